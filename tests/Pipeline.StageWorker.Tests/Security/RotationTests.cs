using System.Runtime.InteropServices;
using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Certificates;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>Certificates change under a running worker: streams go on, new connections see the new ones, a broken set changes nothing.</summary>
public sealed partial class RotationTests : IDisposable
{
    private static readonly ShardAssignment First = new(0, 2, new LayerRange(0, 2));
    private static readonly ShardAssignment Last = new(1, 2, new LayerRange(2, 4));

    private readonly SecureHosts _hosts = new();

    [Fact]
    public async Task NewCertificate_IsShownToNewConnections()
    {
        await using var worker = await _hosts.StartAsync(0);
        await HelloAsync(worker);
        _hosts.Authority.Write(_hosts.StageFolder(0), [TestAuthority.Stage(0)], TimeSpan.FromHours(7));
        await HelloAsync(worker);
        Assert.Contains("new certificates are in use: the certificate of stage 0 (", await _hosts.Log.LineAsync("new certificates"), StringComparison.Ordinal);
    }

    /// <summary>Only who trusts the new authority is let in from then on, and needs no restart of the worker for it.</summary>
    [Fact]
    public async Task NewAuthority_CountsForNewConnections()
    {
        await using var worker = await _hosts.StartAsync(0);
        await HelloAsync(worker);
        var before = _hosts.Authority.Write(_hosts.Fresh("before"), [TestAuthority.Coordinator]);
        _hosts.Stranger.Write(_hosts.StageFolder(0), [TestAuthority.Stage(0)]);
        await Assert.ThrowsAsync<Shared.Stages.StageException>(() => HelloAsync(worker, before));
        await HelloAsync(worker, _hosts.Stranger.Write(_hosts.Fresh("after"), [TestAuthority.Coordinator]));
    }

    /// <summary>As kubelet does it: the files are links through a link that is turned to a new folder.</summary>
    [Fact]
    public async Task TurnedLink_IsSeen()
    {
        var volume = Directory.CreateDirectory(_hosts.StageFolder(0)).FullName;
        _hosts.Authority.Write(Path.Combine(volume, "..1"), [TestAuthority.Stage(0)]);
        File.CreateSymbolicLink(Path.Combine(volume, "..data"), "..1");
        foreach (var file in new[] { "ca.crt", "tls.crt", "tls.key" })
        {
            File.CreateSymbolicLink(Path.Combine(volume, file), $"..data/{file}");
        }

        await using var worker = await _hosts.StartAsync(0);
        await HelloAsync(worker);
        _hosts.Authority.Write(Path.Combine(volume, "..2"), [TestAuthority.Stage(0)]);
        File.CreateSymbolicLink(Path.Combine(volume, "..data_tmp"), "..2");
        Assert.Equal(0, Rename(Path.Combine(volume, "..data_tmp"), Path.Combine(volume, "..data")));
        Directory.Delete(Path.Combine(volume, "..1"), recursive: true);
        await HelloAsync(worker);
        Assert.Single(_hosts.Log.Lines, line => line.Contains("new certificates are in use", StringComparison.Ordinal));
    }

    public static TheoryData<string, string> BrokenSets => new()
    {
        { "another key", "not the key of the certificate in" },
        { "half a certificate", "tls.crt: " },
        { "no key", "tls.key: no such file" },
        { "another authority", "is not issued by 'CN=theirs'" },
        { "expired", "it has expired on" },
        { "another stage", "this worker is stage 0" },
        { "the coordinator's", "is not of a stage" },
    };

    [Theory]
    [MemberData(nameof(BrokenSets))]
    public async Task BrokenSet_IsToldOnceAndTheOneBeforeStays(string what, string told)
    {
        await using var worker = await _hosts.StartAsync(0);
        await HelloAsync(worker);
        Break(what);
        await HelloAsync(worker);
        await HelloAsync(worker);
        Assert.Contains(told, await _hosts.Log.LineAsync("the new certificates are not used, those before stay"), StringComparison.Ordinal);

        _hosts.Authority.Write(_hosts.StageFolder(0), [TestAuthority.Stage(0)]);
        await HelloAsync(worker);
        await _hosts.Log.LineAsync("new certificates are in use");
    }

    /// <summary>Steps go through a pipeline of two while the certificates of all its processes change, and change again.</summary>
    [Fact]
    public async Task UnderLoad_NothingIsLost()
    {
        await using var worker1 = await _hosts.StartAsync(1);
        await using var worker0 = await _hosts.StartAsync(0);
        await using var last = await TestStage.StartAsync(worker1, Last);
        await using var first = await TestStage.StartAsync(worker0, First, last);
        for (var epoch = 1; epoch <= 4; epoch++)
        {
            if (epoch > 1)
            {
                // New streams, hence new handshakes, between certificates of which some are new and some are not.
                await first.CompleteAsync();
                await last.StartAsync(change: request => request.Epoch = epoch);
                await first.StartAsync(last, request => request.Epoch = epoch);
            }

            using var whole = new LocalPipeline();
            foreach (var step in Script.Write())
            {
                Rotate(step.Step);
                await first.SendAsync(step with { Epoch = new PlanEpoch(epoch) });
                Same.Results(whole.Step(step), await last.ResultAsync());
            }
        }

        await first.CompleteAsync();
        Assert.DoesNotContain(_hosts.Log.Lines, line => line.Contains("refused", StringComparison.Ordinal));
        Assert.Contains(_hosts.Log.Lines, line => line.Contains("new certificates are in use: the certificate of stage 1", StringComparison.Ordinal));
    }

    public void Dispose() => _hosts.Dispose();

    /// <summary>The framework moves what a link leads to, not the link.</summary>
    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    private static async Task HelloAsync(TestWorker worker, string? folder = null)
    {
        await using var connection = new StageConnection(worker.Address, 0, folder is null ? worker.Certificates : SecureHosts.In(folder));
        await connection.HelloAsync(TestContext.Current.CancellationToken);
    }

    private void Rotate(long step)
    {
        if (step == 2)
        {
            _hosts.Authority.Write(_hosts.StageFolder(1), [TestAuthority.Stage(1)]);
        }
        else if (step == 4)
        {
            _hosts.Authority.Write(_hosts.StageFolder(0), [TestAuthority.Stage(0)]);
            _hosts.Authority.Write(_hosts.CoordinatorFolder, [TestAuthority.Coordinator]);
        }
    }

    private void Break(string what)
    {
        var folder = _hosts.StageFolder(0);
        switch (what)
        {
            case "another key":
                File.WriteAllText(Path.Combine(folder, "tls.key"), _hosts.Authority.Issue([TestAuthority.Stage(0)], TimeSpan.FromHours(1)).KeyPem);
                break;
            case "half a certificate":
                var whole = File.ReadAllText(Path.Combine(folder, "tls.crt"));
                File.WriteAllText(Path.Combine(folder, "tls.crt"), whole[..(whole.Length / 2)]);
                break;
            case "no key":
                File.Delete(Path.Combine(folder, "tls.key"));
                break;
            case "another authority":
                File.WriteAllText(Path.Combine(folder, "ca.crt"), _hosts.Stranger.Pem);
                break;
            case "expired":
                _hosts.Authority.Write(folder, [TestAuthority.Stage(0)], TimeSpan.FromHours(-1));
                break;
            case "another stage":
                _hosts.Authority.Write(folder, [TestAuthority.Stage(4)]);
                break;
            default:
                _hosts.Authority.Write(folder, [TestAuthority.Coordinator]);
                break;
        }
    }
}
