using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Processes;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>
/// Stage workers as they are on a cluster: each at an address of its own, all at one port, killed and started anew by somebody who
/// is not the coordinator.
/// </summary>
internal sealed class StageHosts : IAsyncDisposable
{
    private const int FirstHost = 11;

    private readonly Process?[] _workers;
    private readonly int _port = FreePort();

    public StageHosts(int stages) => _workers = new Process?[stages];

    /// <summary>The value of <c>--workers-dns</c>.</summary>
    public string Pattern => $"127.0.0.{{stage+{FirstHost}}}:{_port}";

    public int Port => _port;

    public int Count => _workers.Length;

    public static StageHosts Started(int stages)
    {
        var hosts = new StageHosts(stages);
        for (var stage = 0; stage < stages; stage++)
        {
            hosts.Start(stage);
        }

        return hosts;
    }

    /// <summary>The address that a stage has unless it is started at another one.</summary>
    public static string HostOf(int stage) => $"127.0.0.{FirstHost + stage}";

    public void Start(int stage) => StartAt(stage, HostOf(stage));

    public void StartAt(int stage, string host)
    {
        var start = new ProcessStartInfo(WorkerProgram.Locate(), ["--listen", $"{host}:{_port}", "--exit-with-parent"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in WorkerEnvironment.ForLocal("cpu"))
        {
            start.Environment[name] = value;
        }

        var worker = _workers[stage] = Process.Start(start)!;
        worker.BeginOutputReadLine();
        worker.BeginErrorReadLine();
    }

    public int IdOf(int stage) => _workers[stage]!.Id;

    /// <summary>As if its host had lost power.</summary>
    public async Task KillAsync(int stage)
    {
        Signals.SendKill(IdOf(stage));
        await _workers[stage]!.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>As a rolling restart does it. The worker has to end by itself.</summary>
    public async Task TerminateAsync(int stage)
    {
        Signals.SendTerminate(IdOf(stage));
        await _workers[stage]!.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
        Assert.Equal(0, _workers[stage]!.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers.OfType<Process>())
        {
            if (!worker.HasExited)
            {
                worker.Kill();
            }

            await worker.WaitForExitAsync();
            worker.Dispose();
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
