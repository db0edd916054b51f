using System.Collections.Concurrent;
using System.Diagnostics;
using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;
using Pipeline.Cluster.Tests.Pods;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>
/// Runs what the manifests describe on this machine: every container is a real process of the published program in a sandbox, with
/// an address of its own on the loopback.
/// </summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private static int _addresses;
    private readonly string _scratch = Directory.CreateTempSubdirectory("cluster-").FullName;
    private readonly NameTable _names;
    private readonly ConcurrentQueue<string> _events = new();
    private readonly ConcurrentBag<Pod> _everyPod = [];
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly List<Workload> _workloads = [];
    private ManifestSet _set;
    private ClusterStorage _storage;

    private TestCluster(ManifestSet set, ClusterStorage storage)
    {
        (_set, _storage, _names) = (set, storage, new NameTable(_scratch));
        _workloads.AddRange(set.PodSources.Where(source => source.IsLasting).Select(source => new Workload(source, set.Of<V1Deployment>().All(item => item.Metadata.Name != source.Name), Create)));
        Changed();
    }

    public IReadOnlyList<Pod> Pods => [.. _workloads.SelectMany(workload => workload.Pods)];

    /// <summary>What happened, for whoever wonders why a test failed.</summary>
    public string History => string.Join('\n', _events) + string.Concat(_everyPod.Select(pod => $"\n\n== {pod.Identity.Name} {pod.Identity.Address} ==\n{pod.Log}"));

    /// <summary>Creates everything at once, as <c>kubectl apply</c> does; the test is skipped where there can be no sandboxes.</summary>
    public static async Task<TestCluster> ApplyAsync(ManifestSet set, ClusterStorage storage)
    {
        var reason = await Sandbox.UnusableBecauseAsync();
        Assert.SkipWhen(reason is not null, reason ?? "");
        foreach (var image in set.PodSources.SelectMany(source => source.AllContainers).Select(container => container.Image).Distinct())
        {
            await ImageStore.GetAsync(image);
        }

        return new TestCluster(set, storage);
    }

    /// <summary>As <c>kubectl apply</c> does over what runs already: every controller takes its pods along at its own pace.</summary>
    public Task ChangeAsync(ManifestSet set, ClusterStorage storage)
    {
        (_set, _storage) = (set, storage);
        return Task.WhenAll(_workloads.Select(workload => workload.RollOutAsync(set.PodSources.Single(source => source.Owner == workload.Source.Owner))));
    }

    public Workload Workload(string role) => _workloads.Single(workload => workload.Source.Role == role);

    /// <summary>Where a Service leads: a pod that is ready; null while there is none.</summary>
    public string? AddressOf(string service)
    {
        var selector = _set.Of<V1Service>().Single(item => item.Metadata.Name == service).Spec.Selector;
        return _workloads.Where(workload => workload.Source.Matches(selector)).SelectMany(workload => workload.Pods).FirstOrDefault(pod => pod.IsReady)?.Identity.Address;
    }

    /// <summary>Runs the containers of a Job's one pod, each to its end; gives the first exit code that is not 0, and the log.</summary>
    public async Task<(int ExitCode, string Log)> RunAsync(ManifestSet job)
    {
        var source = job.PodSources.Single();
        var identity = new PodIdentity($"{source.Name}-1", "pipeline", "127.0.0.1", "this-machine", new Dictionary<string, string>(source.Labels));
        var scratch = Directory.CreateDirectory(Path.Combine(_scratch, source.Name)).FullName;
        var pod = new PodContainers(job, source.Spec, identity, _storage, _names.File, scratch);
        var log = "";
        foreach (var container in source.AllContainers)
        {
            await using var process = await pod.StartAsync(container);
            var code = await process.Ended.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
            log += process.Log;
            if (code != 0)
            {
                return (code, log);
            }
        }

        return (0, log);
    }

    public Task AllReadyAsync() => Eventually.HoldsAsync(() => Pods.All(pod => pod.IsReady), () => $"all pods are ready; so far:\n{History}");

    public async ValueTask DisposeAsync()
    {
        foreach (var pod in _everyPod)
        {
            await pod.DisposeAsync();
        }

        Directory.Delete(_scratch, recursive: true);
    }

    private Pod Create(PodSource source, int index)
    {
        var number = Interlocked.Increment(ref _addresses);
        var labels = new Dictionary<string, string>(source.Labels);
        var name = $"{source.Name}-{number:x5}";
        if (_set.Of<V1StatefulSet>().Any(item => item.Metadata.Name == source.Name))
        {
            name = $"{source.Name}-{index}";
            labels["apps.kubernetes.io/pod-index"] = $"{index}";
        }
        else if (_set.Of<LeaderWorkerSet>().Any())
        {
            name = source.Role == "coordinator" ? $"{source.Name}-0" : $"{source.Name}-0-{index + 1}";
            labels["leaderworkerset.sigs.k8s.io/worker-index"] = source.Role == "coordinator" ? "0" : $"{index + 1}";
        }

        var identity = new PodIdentity(name, "pipeline", $"127.{100 + (Environment.ProcessId % 100)}.{number / 250}.{(number % 250) + 1}", "this-machine", labels);
        var scratch = Directory.CreateDirectory(Path.Combine(_scratch, $"{number}")).FullName;
        var pod = new Pod(source.Spec, identity, new PodContainers(_set, source.Spec, identity, _storage, _names.File, scratch), line => Tell(identity, line));
        _everyPod.Add(pod);
        return pod;
    }

    private void Tell(PodIdentity pod, string line)
    {
        _events.Enqueue(FormattableString.Invariant($"{Stopwatch.GetElapsedTime(_began).TotalSeconds,7:F2} s  {pod.Name} {pod.Address}: {line}"));
        Changed();
    }

    private void Changed() => _names.Replace(_workloads.SelectMany(Entries), "pipeline");

    private IEnumerable<(string Address, string Name)> Entries(Workload workload)
    {
        var subdomain = _set.Of<V1StatefulSet>().FirstOrDefault(item => item.Metadata.Name == workload.Source.Name)?.Spec.ServiceName ?? _set.Of<LeaderWorkerSet>().FirstOrDefault()?.Metadata.Name;
        var publishes = _set.Of<LeaderWorkerSet>().Any() || _set.Of<V1Service>().Any(service => service.Metadata.Name == subdomain && service.Spec.PublishNotReadyAddresses is true);
        var named = subdomain is null ? [] : workload.Pods.Where(pod => !pod.IsGone && (publishes || pod.IsReady)).Select(pod => (pod.Identity.Address, $"{pod.Identity.Name}.{subdomain}"));
        var services = _set.Of<V1Service>().Where(service => service.Spec.ClusterIP != "None" && workload.Source.Matches(service.Spec.Selector));
        return named.Concat(services.SelectMany(service => workload.Pods.Where(pod => pod.IsReady).Select(pod => (pod.Identity.Address, service.Metadata.Name))));
    }
}
