using System.Security.Authentication;
using Pipeline.Protos.Clients;
using Pipeline.Protos.V1;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using Pipeline.TestKit.Certificates;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>Who comes through the door and how far; each refusal is told on both sides in one line.</summary>
public sealed class MutualTlsTests : IDisposable
{
    private static readonly ShardAssignment First = new(0, 2, new LayerRange(0, 2));
    private static readonly ShardAssignment Last = new(1, 2, new LayerRange(2, 4));

    private readonly SecureHosts _hosts = new();

    [Fact]
    public async Task Pipeline_OfTwoStages_GivesTheBitsOfOne()
    {
        await using var worker1 = await _hosts.StartAsync(1);
        await using var worker0 = await _hosts.StartAsync(0);
        await using var last = await TestStage.StartAsync(worker1, Last);
        await using var first = await TestStage.StartAsync(worker0, First, last);
        using var whole = new LocalPipeline();
        foreach (var step in Script.Write())
        {
            await first.SendAsync(step);
            Same.Results(whole.Step(step), await last.ResultAsync());
        }

        await first.CompleteAsync();
        Assert.DoesNotContain(_hosts.Log.Lines, line => line.Contains("refused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task NoCertificate_IsRefusedInTheHandshake()
    {
        await using var worker = await _hosts.StartAsync(0);
        Assert.Empty(await RawTls.TalkAsync(worker.Address, SslProtocols.Tls13, certificate: null));
        Assert.EndsWith("it presented no certificate; one issued by 'CN=ours' is wanted", await _hosts.Log.LineAsync("refused"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GoodCertificate_OfARawClient_IsAnswered()
    {
        await using var worker = await _hosts.StartAsync(0);
        Assert.NotEmpty(await RawTls.TalkAsync(worker.Address, SslProtocols.Tls13, _hosts.Authority.Issue([TestAuthority.Coordinator], TimeSpan.FromHours(1))));
    }

    [Fact]
    public async Task OlderTls_IsRefusedInTheHandshake()
    {
        await using var worker = await _hosts.StartAsync(0);
        Assert.Empty(await RawTls.TalkAsync(worker.Address, SslProtocols.Tls12, _hosts.Authority.Issue([TestAuthority.Coordinator], TimeSpan.FromHours(1))));
        Assert.EndsWith("Tls12; TLS 1.3 is wanted", await _hosts.Log.LineAsync(": it offers "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Expired_IsRefusedInTheHandshake()
    {
        await using var worker = await _hosts.StartAsync(0);
        Assert.Empty(await RawTls.TalkAsync(worker.Address, SslProtocols.Tls13, _hosts.Authority.Issue([TestAuthority.Coordinator], TimeSpan.FromHours(-1))));
        var line = await _hosts.Log.LineAsync("refused");
        Assert.Contains("it presented the certificate of the coordinator (issued by 'CN=ours', valid until ", line, StringComparison.Ordinal);
        Assert.Contains("), which has expired on ", line, StringComparison.Ordinal);
    }

    /// <summary>Whoever holds one knows it before anybody else does.</summary>
    [Fact]
    public async Task Expired_OfOurOwn_IsToldBeforeTheHandshake()
    {
        await using var worker = await _hosts.StartAsync(0);
        var folder = _hosts.Authority.Write(_hosts.Fresh("old"), [TestAuthority.Coordinator], TimeSpan.FromHours(-1));
        var failure = Assert.Throws<Protos.Security.CertificateException>(() => SecureHosts.In(folder)());
        Assert.Contains("tls.crt: it has expired on ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForServersOnly_IsRefusedInTheHandshake()
    {
        await using var worker = await _hosts.StartAsync(0);
        Assert.Empty(await RawTls.TalkAsync(worker.Address, SslProtocols.Tls13, _hosts.Authority.Issue([TestAuthority.Coordinator], TimeSpan.FromHours(1), forClients: false)));
        Assert.Contains("which was not made for clients", await _hosts.Log.LineAsync("refused"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NobodyOfThePipeline_IsRefusedInTheHandshake()
    {
        await using var worker = await _hosts.StartAsync(0);
        Assert.Empty(await RawTls.TalkAsync(worker.Address, SslProtocols.Tls13, _hosts.Authority.Issue(["spiffe://elsewhere/coordinator"], TimeSpan.FromHours(1))));
        Assert.Contains("names nobody of a pipeline", await _hosts.Log.LineAsync("refused"), StringComparison.Ordinal);
    }

    /// <summary>Both trust each other's authority but the worker does not: the client hears only that the other hangs up, and says what it showed.</summary>
    [Fact]
    public async Task OtherAuthority_IsRefusedInTheHandshakeAndToldOnBothSides()
    {
        await using var worker = await _hosts.StartAsync(0);
        var folder = _hosts.Stranger.Write(_hosts.Fresh("stranger"), [TestAuthority.Coordinator], trusted: _hosts.Authority);
        File.AppendAllText(Path.Combine(folder, "ca.crt"), $"\n{_hosts.Stranger.Pem}\n");
        await using var connection = new StageConnection(worker.Address, 0, SecureHosts.In(folder));
        var failure = await Assert.ThrowsAsync<StageException>(() => connection.HelloAsync(Token));
        Assert.Equal(StageError.Unreachable, failure.Error);
        Assert.Contains("it hung up after the handshake, so it does not accept what was shown: the certificate of the coordinator (issued by 'CN=theirs'", failure.Message, StringComparison.Ordinal);
        var line = await _hosts.Log.LineAsync("refused");
        Assert.Contains("it presented the certificate of the coordinator (issued by 'CN=theirs'", line, StringComparison.Ordinal);
        Assert.Contains("which is not issued by 'CN=ours'", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerOfAnotherAuthority_IsRefusedByTheClient()
    {
        await using var worker = await _hosts.StartAsync(0);
        var folder = _hosts.Stranger.Write(_hosts.Fresh("stranger"), [TestAuthority.Coordinator]);
        await using var connection = new StageConnection(worker.Address, 0, SecureHosts.In(folder));
        var failure = await Assert.ThrowsAsync<StageException>(() => connection.HelloAsync(Token));
        Assert.Equal(StageError.Untrusted, failure.Error);
        Assert.Contains($"{worker.Address}: it presented the certificate of stage 0 (issued by 'CN=ours'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("which is not issued by 'CN=theirs'", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Two addresses changed places: neither end takes the other for somebody else, and both say so.</summary>
    [Fact]
    public async Task ServerIsAnotherStage_IsRefusedByTheClientAndToldOnBothSides()
    {
        await using var worker = await _hosts.StartAsync(1);
        await using (var connection = new StageConnection(worker.Address, 0, worker.Certificates))
        {
            var failure = await Assert.ThrowsAsync<StageException>(() => connection.HelloAsync(Token));
            Assert.Equal(StageError.Untrusted, failure.Error);
            Assert.StartsWith($"{worker.Address}: it presented the certificate of stage 1 (", failure.Message, StringComparison.Ordinal);
            Assert.EndsWith("); stage 0 is wanted", failure.Message, StringComparison.Ordinal);
        }

        Assert.Contains("left after the handshake without a call: it presented the certificate of the coordinator (", await _hosts.Log.LineAsync("left after"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClearText_IsRefusedAndToldOnBothSides()
    {
        await using var worker = await _hosts.StartAsync(0);
        await using var connection = new StageConnection(worker.Address, 0, null);
        var failure = await Assert.ThrowsAsync<StageException>(() => connection.HelloAsync(Token));
        Assert.EndsWith("does not speak HTTP/2 in clear text (a worker with --tls wants --tls here too)", failure.Message, StringComparison.Ordinal);
        Assert.Contains("it did not begin a TLS handshake (does it speak clear text?)", await _hosts.Log.LineAsync("refused"), StringComparison.Ordinal);
    }

    /// <summary>Wrong role, wrong index: everybody is who they say, and may still not do this.</summary>
    [Theory]
    [InlineData("stage 3", "Hello", "the coordinator and stage 1")]
    [InlineData("stage 3", "Attach", "the coordinator")]
    [InlineData("stage 3", "Forward", "stage 1")]
    [InlineData("stage 1", "Attach", "the coordinator")]
    [InlineData("stage 2", "Forward", "stage 1")]
    [InlineData("the coordinator", "Forward", "stage 1")]
    public async Task Peer_WhoMayNotCallThis_IsRefusedAndToldOnBothSides(string peer, string method, string wanted)
    {
        await using var worker = await _hosts.StartAsync(2);
        var uri = peer == "the coordinator" ? TestAuthority.Coordinator : TestAuthority.Stage(peer[^1] - '0');
        var folder = _hosts.Authority.Write(_hosts.Fresh("peer"), [uri]);
        var refusal = await Refusal.OfAsync(() => CallAsync(worker, folder, method));
        Assert.Equal((StageError.Untrusted, 2), (refusal.Error, refusal.StageIndex));
        Assert.Contains($"/{method} of stage 2 is for {wanted}; presented was the certificate of {peer} (issued by 'CN=ours'", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(refusal.Message, await _hosts.Log.LineAsync("refused"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stage 1", "Hello")]
    [InlineData("the coordinator", "Hello")]
    [InlineData("the coordinator", "Attach")]
    public async Task Peer_WhoMayCallThis_IsServed(string peer, string method)
    {
        await using var worker = await _hosts.StartAsync(2);
        var folder = _hosts.Authority.Write(_hosts.Fresh("peer"), [peer == "the coordinator" ? TestAuthority.Coordinator : TestAuthority.Stage(1)]);
        await CallAsync(worker, folder, method);
    }

    /// <summary>What a stranger sends is not even looked at: a frame that no parser takes is answered as if it were a good one.</summary>
    [Fact]
    public async Task Forward_OfAStranger_NeverReachesTheParser()
    {
        await using var worker = await _hosts.StartAsync(1);
        var folder = _hosts.Authority.Write(_hosts.Fresh("peer"), [TestAuthority.Stage(5)]);
        using var channel = StageChannels.Open(worker.Address, 1, SecureHosts.In(folder));
        var garbage = new Grpc.Core.Method<byte[], byte[]>(
            Grpc.Core.MethodType.ClientStreaming, "pipeline.v1.StageData", "Forward", Grpc.Core.Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes), Grpc.Core.Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes));
        using var call = channel.CreateCallInvoker().AsyncClientStreamingCall(garbage, null, new Grpc.Core.CallOptions(cancellationToken: Token));
        await Record.ExceptionAsync(() => call.RequestStream.WriteAsync([0xFF, 0xFF, 0xFF], Token));
        Assert.Equal(StageError.Untrusted, (await Refusal.OfAsync(async () => await call.ResponseAsync)).Error);
        Assert.DoesNotContain(_hosts.Log.Lines, line => line.Contains("Malformed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Attach_AsAnotherStage_IsRefused()
    {
        await using var worker = await _hosts.StartAsync(1);
        using var call = worker.Control.Attach(new AttachRequest { ProtocolVersion = Protos.Codec.ProtocolVersion.Current, Coordinator = "test", StageIndex = 2, StageCount = 3 }, cancellationToken: Token);
        var refusal = await Refusal.OfAsync(() => call.ResponseStream.MoveNext(Token));
        Refusal.Is(StageError.Untrusted, "this worker's certificate is of stage 1; it does not serve as stage 2", refusal);
    }

    public void Dispose() => _hosts.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task CallAsync(TestWorker worker, string folder, string method)
    {
        await using var connection = new StageConnection(worker.Address, 2, SecureHosts.In(folder));
        using var channel = StageChannels.Open(worker.Address, 2, SecureHosts.In(folder));
        switch (method)
        {
            case "Hello":
                await connection.HelloAsync(Token);
                break;
            case "Attach":
                await connection.AttachAsync("test", 3, new StageEventHandlers(_ => { }, _ => { }, _ => { }), Token);
                break;
            default:
                await using (var call = await ForwardCall.OpenAsync(channel.CreateCallInvoker(), 2, 1, null, Token))
                {
                    await call.WaitForEndAsync();
                }

                break;
        }
    }
}
