using System.Globalization;
using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Only what broke is started again, and everybody gets the time to end that they ask for.</summary>
internal static class Restarts
{
    // Between the last answer and the end of the process: streams are closed, workers are told.
    private const int Farewell = 5;

    public static IEnumerable<string> Complaints(ManifestSet set) =>
    [
        .. set.Of<V1StatefulSet>().Where(item => item.Spec.PodManagementPolicy != "Parallel").Select(item => $"StatefulSet {item.Metadata.Name}: stages wait for each other, so one that cannot start keeps the others away"),
        .. set.Of<LeaderWorkerSet>().Where(item => item.Spec.LeaderWorkerTemplate.RestartPolicy != "None").Select(item => $"LeaderWorkerSet {item.Metadata.Name}: one pod that breaks takes the whole group along"),
        .. set.Of<LeaderWorkerSet>().Where(item => item.Spec.StartupPolicy == "LeaderReady").Select(item => $"LeaderWorkerSet {item.Metadata.Name}: stages wait for a coordinator that waits for them"),
        .. set.Of<V1Deployment>().Where(item => item.Spec.Replicas is not 1 || item.Spec.Strategy?.Type != "Recreate").Select(item => $"Deployment {item.Metadata.Name}: stages serve one coordinator at a time"),
        .. from source in set.PodSources
           where source.IsLasting
           from container in source.Spec.Containers
           let sleep = container.Lifecycle?.PreStop?.Sleep?.Seconds ?? 0
           let needed = sleep + OwnTime(set, source, container)
           where sleep == 0 || source.Spec.TerminationGracePeriodSeconds is not { } grace || grace <= needed
           select $"{source.Owner}, {container.Name}: {source.Spec.TerminationGracePeriodSeconds} s of grace, {needed} s are needed, {sleep} s of them before the signal",
    ];

    private static long OwnTime(ManifestSet set, PodSource source, V1Container container) => source.Role == "stage"
        ? (long)WorkerHost.ShutdownTimeout.TotalSeconds
        : Farewell + (long.TryParse(StageCounts.Value(Variables.Setup(set, container).Arguments, "--shutdown-timeout"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 0);
}
