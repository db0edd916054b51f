using System.CommandLine;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Cli.Serve;
using Pipeline.Coordinator.Serving;
using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli.Serve;

/// <summary>What <c>serve</c> makes of its flags before anything listens or loads.</summary>
public class ServeCommandTests
{
    /// <summary>Stands for an empty word.</summary>
    private const string Nothing = "|";

    [Theory]
    [InlineData("--port 65536", "error: --port wants a whole number from 0 to 65535, got '65536'")]
    [InlineData("--max-request-bytes lots", "error: --max-request-bytes wants a size above 0 such as 80GiB, 24GB or 1048576, got 'lots'")]
    [InlineData("--max-request-bytes 0", "error: --max-request-bytes wants a size above 0 such as 80GiB, 24GB or 1048576, got '0'")]
    [InlineData("--host 203.0.113.1", "error: cannot listen on 203.0.113.1:8000: ")]
    [InlineData("--max-queue -1", "error: --max-queue wants a whole number from 0 to 1000000, got '-1'")]
    [InlineData("--otlp-endpoint localhost:4318", "error: --otlp-endpoint wants an address such as http://localhost:4318, got 'localhost:4318'")]
    [InlineData("--trace-sample-ratio 2", "error: --trace-sample-ratio wants a number above 0 and at most 1, got '2'")]
    [InlineData("--ready-timeout 0", "error: --ready-timeout wants a whole number from 1 to 86400, got '0'")]
    [InlineData("--api-key-file /no/such/file", "error: cannot read the key file /no/such/file")]
    [InlineData("--tls certs", "error: --tls is for workers that run elsewhere")]
    [InlineData("--workers gpu1:50051 --tls /no/such/folder", "error: --tls: /no/such/folder: no such folder; one with ca.crt, tls.crt and tls.key is wanted")]
    [InlineData("--workers gpu1:50051", "error: gpu1:50051 is on another host: add --tls DIR")]
    [InlineData("--host |", "error: --host wants an address of this machine, got ''; leave it out to listen on 127.0.0.1")]
    [InlineData("--served-model-name |", "error: --served-model-name wants a name, got an empty one; leave it out to serve under the model's own")]
    [InlineData("--dtype f16", "error: --dtype f16 is not for weights stored as bf16; use --dtype f32 or bf16")]
    [InlineData("--chat-format v2", "error: the chat format V2 needs the control piece [INST]")]
    public async Task Run_BadFlag_SaysWhatIsWrong(string flags, string error)
    {
        var run = await CommandLineRun.Of(["serve", "--model", Fixtures.TinyMixtral, .. flags.Split(' ').Select(word => word == Nothing ? "" : word)]);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.StartsWith(error, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("listening", run.Error, StringComparison.Ordinal);
    }

    /// <summary>Who names a file wants keys; a server without any would be open to everybody.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("\n  \n")]
    [InlineData("# none yet\n")]
    public async Task Run_KeyFileWithoutKeys_IsRefused(string content)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "keys");
        await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);

        var run = await CommandLineRun.Of("serve", "--model", Fixtures.TinyMixtral, "--api-key-file", file);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal($"error: {file} has no keys: one is wanted on each line\n", run.Error);
    }

    [Fact]
    public async Task Keys_OfFlagsFileAndEnvironment_AllOpen()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "keys");
        await File.WriteAllTextAsync(file, "# who may ask\nthree\n\n four \n  # and\none\n", TestContext.Current.CancellationToken);

        Assert.Equal(["one", "two", "three", "four", "five"], Resolve("five", "--api-key", "one", "--api-key", "two", "--api-key-file", file).ApiKeys);
        Assert.Empty(Resolve(null).ApiKeys);
        Assert.Throws<UserErrorException>(() => Resolve(null, "--api-key", " "));
    }

    [Fact]
    public void Options_NothingSaid_ListensOnThisMachineOnly()
    {
        var options = Resolve(null);

        Assert.Equal(("127.0.0.1", 8000, 256, 30.0), (options.Host, options.Port, options.MaxQueue, options.ShutdownTimeout.TotalSeconds));
        Assert.Null(options.RequestTimeout);
        Assert.Null(options.OtlpEndpoint);
        Assert.Null(options.MaxConcurrentPerKey);
    }

    private static ServerOptions Resolve(string? ofEnvironment, params string[] flags)
    {
        var command = new Command("serve");
        var reader = new ServerFlags();
        reader.AddTo(command);
        return reader.Resolve(command.Parse(flags), maxSequences: 4, name => name == "PIPELINE_API_KEY" ? ofEnvironment : null);
    }
}
