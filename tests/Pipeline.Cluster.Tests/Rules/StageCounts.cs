using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>As many pods as the coordinator is told there are stages, under the names that it looks for.</summary>
internal static class StageCounts
{
    public static IEnumerable<string> Complaints(ManifestSet set)
    {
        if (set.Role("coordinator") is not { } coordinator || set.Role("stage") is not { } stages)
        {
            return set.IsBesideAnOverlay ? [] : ["there are no coordinator and stages"];
        }

        var arguments = Variables.Setup(set, coordinator.Spec.Containers[0]).Arguments;
        var (told, names) = (Value(arguments, "--stages"), Value(arguments, "--workers-dns"));
        var port = stages.Spec.Containers[0].Ports.First(port => port.Name == "grpc").ContainerPort;
        var expected = set.Of<LeaderWorkerSet>().Any() ? $"{stages.Name}-0-{{stage+1}}.{stages.Name}:{port}" : $"{stages.Name}:{port}";
        return
        [
            .. told == $"{stages.Count}" ? Array.Empty<string>() : [$"{stages.Owner} makes {stages.Count} pods, but the coordinator is told of {told} stages"],
            .. names == expected ? Array.Empty<string>() : [$"the coordinator looks for the stages at {names}, but they are at {expected}"],
        ];
    }

    public static string? Value(IEnumerable<string> arguments, string option) =>
        arguments.FirstOrDefault(argument => argument.StartsWith($"{option}=", StringComparison.Ordinal))?[(option.Length + 1)..];
}
