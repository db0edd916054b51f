using System.Net;
using System.Net.Sockets;
using Pipeline.StageWorker.Hosting;
using Pipeline.StageWorker.Tests.Security;
using Pipeline.TestKit.Certificates;

namespace Pipeline.StageWorker.Tests.HostileBytes;

/// <summary>Bytes on the ports themselves, of somebody who speaks no protocol or spoils one.</summary>
public sealed class PortFuzzTests(ITestOutputHelper output) : IDisposable
{
    // The preface of HTTP/2, settings, and the headers of a call, as a client would begin.
    private static readonly byte[] Beginning =
    [
        .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0,
        0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9, 1, 4, 0, 0, 0, 1, 0x83, 0x86, 0x84, 0x41, 0x04, 0x68, 0x6F, 0x73, 0x74,
        0, 0, 5, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0,
    ];

    // The hello of a TLS client, cut short.
    private static readonly byte[] Hello = [0x16, 3, 1, 0, 64, 1, 0, 0, 60, 3, 3, .. Enumerable.Range(0, 32).Select(i => (byte)i), 0, 0, 4, 0x13, 1, 0x13, 2, 1, 0, 0, 0];

    private readonly SecureHosts _hosts = new();

    [Theory]
    [InlineData("clear")]
    [InlineData("tls")]
    [InlineData("health")]
    public async Task Bytes_OnAPort_DisturbNobody(string port)
    {
        var budget = new FuzzBudget(output);
        var mutations = new Mutations(budget.Seed);
        await using var worker = await StartAsync(port);
        var address = IPEndPoint.Parse(port == "health" ? worker.HealthAddress! : worker.Address);
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var undisturbed = new LocalPipeline();
        var steps = Script.Write();
        Same.Results(undisturbed.Step(steps[0]), await stage.StepAsync(steps[0]));
        await Bounded.RunAsync(async () =>
        {
            while (budget.Next())
            {
                await ThrowAsync(address, mutations.Next(3) switch { 0 => mutations.Random(2048), 1 => mutations.Of(Hello), _ => mutations.Of(Beginning) });
            }
        });
        output.WriteLine($"{budget.Tried} tries");

        // The run that was under way goes on.
        foreach (var step in steps.Skip(1))
        {
            Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
        }
    }

    public void Dispose() => _hosts.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Task<TestWorker> StartAsync(string port)
    {
        if (port == "clear")
        {
            return TestWorker.StartAsync();
        }

        _hosts.Authority.Write(_hosts.StageFolder(0), [TestAuthority.Stage(0)]);
        return TestWorker.StartAsync(
            new WorkerOptions { Tls = _hosts.StageFolder(0), HealthListen = port == "health" ? "127.0.0.1:0" : null }, null, 0, SecureHosts.In(_hosts.CoordinatorFolder));
    }

    /// <summary>Sends the bytes, half closes, and waits a moment for whatever the worker has to say.</summary>
    private static async Task ThrowAsync(IPEndPoint address, byte[] bytes)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address, Token);
        var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(bytes, Token);
            client.Client.Shutdown(SocketShutdown.Send);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
            patience.CancelAfter(TimeSpan.FromMilliseconds(20));
            await stream.ReadAtLeastAsync(new byte[4096], 4096, throwOnEndOfStream: false, patience.Token);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // Cut off, or nothing was said.
        }
    }
}
