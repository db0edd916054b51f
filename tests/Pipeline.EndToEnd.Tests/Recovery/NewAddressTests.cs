using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.EndToEnd.Tests.Serving;
using Pipeline.EndToEnd.Tests.Serving.Load;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>
/// A restarted pod has another address under its old name. The coordinator runs in a mount namespace with a hosts file of its own,
/// which stands for the cluster's name service.
/// </summary>
public sealed class NewAddressTests
{
    private const int Stages = 2;
    private const string NewHost = "127.0.0.77";

    [Fact]
    public async Task PodAtAnotherAddress_IsFoundAndTheStreamGoesOn()
    {
        var possible = await ProgramRun.Of("unshare", "--mount", "true");
        Assert.SkipWhen(possible.ExitCode != 0, $"no mount namespace of its own here: {possible.Error}");
        using var names = new TemporaryFile(Hosts(StageHosts.HostOf(1)));
        await using var hosts = StageHosts.Started(Stages);
        string[] ownHosts = ["unshare", "--mount", "--propagation", "private", "sh", "-c", $"mount --bind '{names.Path}' /etc/hosts && exec \"$@\"", "sh"];
        await using var server = await CoordinatorServer.StartUnderAsync(ownHosts, "--workers-dns", $"stage:{hosts.Port}", "--stages", $"{Stages}", "--kernels", "cpu", "--insecure");
        var call = CompletionCall.Of(("prompt", "ROMEO:\n"), ("max_tokens", 300), ("temperature", 0), ("ignore_eos", true), ("stream", true), ("logprobs", 1));
        var expected = await WatchedStream.ReadAsync(server, call);

        var actual = await WatchedStream.ReadAsync(server, call, (5, async () =>
        {
            await hosts.KillAsync(1);
            await server.Process.WaitForErrorAsync($"cannot reach a stage worker at {StageHosts.HostOf(1)}:{hosts.Port}");
            await File.WriteAllTextAsync(names.Path, Hosts(""), TestContext.Current.CancellationToken);
            await server.Process.WaitForErrorAsync("stage-1.stage cannot be resolved");
            hosts.StartAt(1, NewHost);
            await File.WriteAllTextAsync(names.Path, Hosts(NewHost), TestContext.Current.CancellationToken);
        }
        ));

        Assert.Equal(expected, actual);
        Assert.Contains($"stage 1 is there: {NewHost}:{hosts.Port}", server.Process.Error, StringComparison.Ordinal);
    }

    /// <param name="second">Of stage 1; empty if nobody knows it.</param>
    private static string Hosts(string second) =>
        $"127.0.0.1 localhost\n{StageHosts.HostOf(0)} stage-0.stage\n{(second.Length > 0 ? $"{second} stage-1.stage\n" : "")}";
}
