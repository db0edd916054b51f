using Pipeline.Protos.Security;
using Pipeline.StageWorker.Hosting;
using Pipeline.TestKit.Certificates;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>The folders of a pipeline whose processes trust one authority, and workers that use them.</summary>
internal sealed class SecureHosts : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SecureHosts()
    {
        Authority.Write(CoordinatorFolder, [TestAuthority.Coordinator]);
    }

    public TestAuthority Authority { get; } = new("ours");

    /// <summary>One that nobody here trusts.</summary>
    public TestAuthority Stranger { get; } = new("theirs");

    public WorkerLog Log { get; } = new();

    public string CoordinatorFolder => _folder.At("coordinator");

    public string StageFolder(int stage) => _folder.At($"stage-{stage}");

    public string Fresh(string name) => _folder.At(name);

    /// <summary>What a process with this folder shows and trusts, read anew each time.</summary>
    public static Func<PeerCertificates> In(string folder) => () => PeerCertificates.Read(folder, TimeProvider.System.GetUtcNow());

    /// <summary>A worker with the certificate of a stage, for callers with that of the coordinator.</summary>
    public Task<TestWorker> StartAsync(int stage, string? healthListen = null)
    {
        if (!Directory.Exists(StageFolder(stage)))
        {
            Authority.Write(StageFolder(stage), [TestAuthority.Stage(stage)]);
        }

        return TestWorker.StartAsync(new WorkerOptions { Tls = StageFolder(stage), HealthListen = healthListen }, Log.AddTo, stage, In(CoordinatorFolder));
    }

    public void Dispose()
    {
        Authority.Dispose();
        Stranger.Dispose();
        _folder.Dispose();
    }
}
