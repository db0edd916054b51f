using System.Diagnostics;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Framing;
using Pipeline.StageWorker.Hosting;
using Pipeline.TestKit.Certificates;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>
/// What TLS costs on one host: messages of 8 KiB there and back through the worker's own host, clear text and TLS in turn. A
/// measurement, not a test: it runs with PIPELINE_MEASURE_TLS=1 and prints what it found.
/// </summary>
public sealed class EncryptionCost(ITestOutputHelper output) : IDisposable
{
    private const int Rounds = 15;
    private const int MessagesPerRound = 2000;
    private const int MessageBytes = 8 * 1024;
    private static readonly Method<ForwardPiece, ForwardPiece> Method = new(MethodType.DuplexStreaming, "measure.Echo", "Echo", ForwardPieceMarshaller.Instance, ForwardPieceMarshaller.Instance);

    private readonly SecureHosts _hosts = new();

    [Fact]
    public async Task Messages_ClearAndEncrypted_SideBySide()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("PIPELINE_MEASURE_TLS") == "1", "PIPELINE_MEASURE_TLS=1 runs this measurement");
        _hosts.Authority.Write(_hosts.StageFolder(0), [TestAuthority.Stage(0)]);
        await using var clear = await StartAsync(new WorkerOptions());
        await using var encrypted = await StartAsync(new WorkerOptions { Tls = _hosts.StageFolder(0) });
        using var clearChannel = StageChannels.Open(WorkerHost.AddressOf(clear), 0, null);
        using var encryptedChannel = StageChannels.Open(WorkerHost.AddressOf(encrypted), 0, SecureHosts.In(_hosts.CoordinatorFolder));
        List<double> plain = [];
        List<double> secret = [];
        for (var round = 0; round < Rounds + 2; round++)
        {
            plain.Add(await RoundTripAsync(clearChannel));
            secret.Add(await RoundTripAsync(encryptedChannel));
        }

        // The first two warm up.
        var (a, b) = (Median(plain[2..]), Median(secret[2..]));
        var text = $"{MessageBytes} bytes there and back, median of {Rounds} rounds of {MessagesPerRound}: clear {a:F1} us, TLS {b:F1} us, ratio {b / a:F3}; rounds {string.Join(' ', plain[2..].Zip(secret[2..], (x, y) => $"{y / x:F2}"))}";
        output.WriteLine(text);
        await Console.Out.WriteLineAsync(text);
    }

    public void Dispose() => _hosts.Dispose();

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private static async Task<WebApplication> StartAsync(WorkerOptions options)
    {
        var app = WorkerHost.Build(options);
        app.MapGrpcService<EchoService>();
        await app.StartAsync(Token);
        return app;
    }

    /// <summary>Microseconds for a message and its answer.</summary>
    private static async Task<double> RoundTripAsync(GrpcChannel channel)
    {
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(Method, null, new CallOptions(cancellationToken: Token));
        var message = new ForwardPiece { Data = new byte[MessageBytes] };
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < MessagesPerRound; i++)
        {
            await call.RequestStream.WriteAsync(message, Token);
            await call.ResponseStream.MoveNext(Token);
            call.ResponseStream.Current.Owner?.Dispose();
        }

        var elapsed = Stopwatch.GetElapsedTime(began);
        await call.RequestStream.CompleteAsync();
        return elapsed.TotalMicroseconds / MessagesPerRound;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [BindServiceMethod(typeof(EchoBase), nameof(BindService))]
    internal abstract class EchoBase
    {
        public static void BindService(ServiceBinderBase binder, EchoBase? service) =>
            binder.AddMethod(Method, service is null ? null! : new DuplexStreamingServerMethod<ForwardPiece, ForwardPiece>(service.Echo));

        public abstract Task Echo(IAsyncStreamReader<ForwardPiece> requestStream, IServerStreamWriter<ForwardPiece> responseStream, ServerCallContext context);
    }

    internal sealed class EchoService : EchoBase
    {
        public override async Task Echo(IAsyncStreamReader<ForwardPiece> requestStream, IServerStreamWriter<ForwardPiece> responseStream, ServerCallContext context)
        {
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                using var owner = requestStream.Current.Owner;
                await responseStream.WriteAsync(requestStream.Current, context.CancellationToken);
            }
        }
    }
}
