using Pipeline.Coordinator.Cli;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>What <c>run</c> says when it is asked for what cannot be: the message names what is wrong and what would be right.</summary>
public sealed class BadInputTests(WorkerPool pool)
{
    private const string Prompt = "--prompt-ids 1,5,9 ";

    [Theory]
    [InlineData("--stagse 4", "unknown option '--stagse'; did you mean '--stages'?")]
    [InlineData("--stages 0", "--stages wants a whole number from 1 to 1024, got '0'")]
    [InlineData("--max-tokens -1", "--max-tokens wants a whole number from 0 to 100000000, got '-1'")]
    [InlineData("--temperature hot", "--temperature wants a number from 0 to 100, got 'hot'")]
    [InlineData("--load-format dumy", "--load-format wants one of auto, dummy, got 'dumy'")]
    [InlineData(Prompt + "--stages 9", "cannot cut 8 layers of tiny-mixtral into 9 stages; at most 8 stages")]
    [InlineData(Prompt + "--device gpu", "--device wants cpu, cuda, or a list such as cuda:0,cuda:1; got 'gpu'")]
    [InlineData(Prompt + "--workers here", "--workers wants host:port with commas between them, got 'here'")]
    [InlineData(Prompt + "--workers a:1,b:2 --stages 3", "--workers names 2 workers, but the plan has 3 stages")]
    [InlineData(Prompt + "--workers a:1 --stages 3", "--workers names 1 worker, but the plan has 3 stages")]
    [InlineData(Prompt + "--workers-dns stage --workers a:1 --stages 2", "--workers and --workers-dns both say where the workers are; leave one out")]
    [InlineData(Prompt + "--workers-dns stage", "say how many stages with --stages N")]
    [InlineData(Prompt + "--workers-dns stage:0 --stages 2", "--workers-dns wants the name of a headless service", "got 'stage:0'")]
    [InlineData(Prompt + "--workers-dns stage --workers a:1,b:2 --stages 2", "--workers and --workers-dns both say where the workers are; leave one out")]
    [InlineData(Prompt + "--workers a:1 --workers-timeout 5", "--workers-timeout is for --workers-dns")]
    [InlineData(Prompt + "--workers-dns stage --stages 2 --workers-timeout 0", "--workers-timeout wants a whole number from 1 to 86400, got '0'")]
    [InlineData(Prompt + "--recovery-timeout soon", "--recovery-timeout wants a whole number from 1 to 86400, got 'soon'")]
    [InlineData(Prompt + "--timeline /no/such/folder/trace.json", "cannot write the timeline", "/no/such/folder/trace.json")]
    [InlineData(Prompt + "--logit-bias 5", "--logit-bias wants ID=VALUE", "got '5'")]
    [InlineData(Prompt + "--logit-bias 5=1e39", "--logit-bias wants ID=VALUE with a finite number", "got '5=1e39'")]
    [InlineData(Prompt + "--logit-bias 5=NaN", "--logit-bias wants ID=VALUE with a finite number", "got '5=NaN'")]
    [InlineData(Prompt + "--logit-bias 5=1 --logit-bias 6=1 --logit-bias 5=2", "--logit-bias names token 5 more than once")]
    [InlineData(Prompt + "--logit-bias 2048=1", "--logit-bias names token 2048, which is outside the vocabulary of tiny-mixtral: ids go from 0 to 2047")]
    [InlineData(Prompt + "--stop ", "--stop wants text, got ''")]
    [InlineData(Prompt + "--min-tokens 9 --max-tokens 5", "--min-tokens 9 is more than --max-tokens 5")]
    [InlineData(Prompt + "--logprobs 2", "--logprobs are reported in the JSON document only; add --json")]
    [InlineData(Prompt + "--timeline /tmp", "cannot write the timeline: /tmp is a directory; name a file")]
    [InlineData("--prompt-ids 1,five", "--prompt-ids wants token ids with commas between them", "got '1,five'")]
    [InlineData("--prompt-ids 1,2048", "token id 2048 is outside the vocabulary of tiny-mixtral: ids go from 0 to 2047")]
    [InlineData("--prompt-ids 1,-1", "token id -1 is outside the vocabulary")]
    [InlineData("--prompts-file /no/such/file", "no such prompts file: /no/such/file")]
    [InlineData("--prompts-file /tmp", "the prompts file /tmp is a directory; a file with one prompt per line is wanted")]
    [InlineData("--prompts-file /dev/null", "/dev/null has no prompts: one is wanted on each line")]
    [InlineData(Prompt + "--max-tokens 5000", "prompt 1 has 3 tokens and asks for 5000 more, but the context ends at 4096 tokens")]
    [InlineData(Prompt + "--max-model-len 5000", "--max-model-len 5000 is more than the 4096 positions")]
    public async Task Run_BadOption_IsRefusedBeforeAnythingStarts(string options, params string[] messages)
    {
        var leftovers = new LeftoverCheck();

        var run = await CommandLineRun.Of(["run", "--model", Fixtures.TinyMixtral, .. options.Split(' ')]);

        AssertRefused(run, ExitCode.BadInput, messages);
        Assert.DoesNotContain("starting", run.Error, StringComparison.Ordinal);
        leftovers.AssertNothingLeft();
    }

    [Theory]
    [InlineData("nowhere", "no such model: nowhere is neither a folder nor one of the built-in shapes")]
    [InlineData("mistral-7b-v0.1", "mistral-7b-v0.1 is a built-in shape without weights: name a folder with --model")]
    public async Task Run_ModelWithoutWeights_SaysWhatWouldBeOne(string model, string message)
    {
        var run = await CommandLineRun.Of("run", "--model", model, "--prompt-ids", "1");

        AssertRefused(run, ExitCode.BadInput, [message]);
    }

    [Fact]
    public async Task Run_PromptLongerThanTheContext_NamesBothNumbers()
    {
        var ids = string.Join(',', Enumerable.Repeat(7, 4100));

        var run = await CommandLineRun.Of("run", "--model", Fixtures.TinyMixtral, "--prompt-ids", ids, "--max-tokens", "0");

        AssertRefused(run, ExitCode.BadInput, ["prompt 1 has 4100 tokens", "the context ends at 4096 tokens"]);
    }

    [Fact]
    public async Task Run_TextForAModelWithoutTokenizer_AsksForIds()
    {
        var run = await CommandLineRun.Of("run", "--model", Fixtures.At("random-mistral"), "--prompt", "hello");

        AssertRefused(run, ExitCode.BadInput, ["random-mistral has no tokenizer here: give the prompt as ids with --prompt-ids"]);
    }

    [Fact]
    public async Task Run_NothingToContinue_SaysHowToGiveAPrompt()
    {
        var run = await CommandLineRun.Of("run", "--model", Fixtures.At("random-mistral"));

        AssertRefused(run, ExitCode.BadInput, ["nothing to continue: give --prompt TEXT"]);
    }

    [Fact]
    public async Task Run_EmptyFolder_NamesTheFilesItNeeds()
    {
        using var model = TemporaryModel.Empty();

        var run = await RunAsync(model);

        AssertRefused(run, ExitCode.BadInput, [$"model folder {model.Path} is empty; it must hold config.json or params.json"]);
    }

    [Fact]
    public async Task Run_BrokenConfiguration_NamesTheFile()
    {
        using var model = TemporaryModel.CopyOf("random-mistral").Configure("\"hidden_size\": 64", "\"hidden_size\": sixty-four");

        var run = await RunAsync(model);

        AssertRefused(run, ExitCode.BadInput, [Path.Combine(model.Path, "config.json")]);
    }

    [Theory]
    [InlineData("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 100000000", "num_hidden_layers must be a whole number from 1 to 1000, it is 100000000")]
    [InlineData("\"hidden_size\": 64", "\"hidden_size\": 2147483646", "hidden_size must be a whole number from 1 to 131072, it is 2147483646")]
    public async Task Run_SizesOfNoModel_AreRefusedBeforeAnythingStarts(string field, string enormous, string message)
    {
        using var model = TemporaryModel.CopyOf("random-mistral").Configure(field, enormous);

        var run = await RunAsync(model);

        AssertRefused(run, ExitCode.BadInput, [Path.Combine(model.Path, "config.json"), message]);
    }

    [Fact]
    public async Task Run_DamagedCheckpoints_AreNamedByTheStageThatReadsThem()
    {
        var worker = await pool.AddressesAsync(1);
        using var header = TemporaryModel.CopyOf("random-mistral").BreakHeader();
        using var shape = TemporaryModel.CopyOf("random-mistral").Configure("\"vocab_size\": 512", "\"vocab_size\": 500");
        using var missing = TemporaryModel.CopyOf("random-mistral").Configure("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 7");
        using var truncated = TemporaryModel.CopyOf("random-mistral").Truncate(10);

        AssertRefused(await RunAsync(header, worker), ExitCode.StageFailed, ["stage 0: ", "model-00004-of-00004.safetensors", "header", "(LoadFailed)"]);
        AssertRefused(await RunAsync(shape, worker), ExitCode.StageFailed, ["stage 0: ", "[512, 64]", "[500, 64]", "(LoadFailed)"]);
        AssertRefused(await RunAsync(missing, worker), ExitCode.StageFailed, ["stage 0: ", "model.layers.6.", "(LoadFailed)"]);
        AssertRefused(await RunAsync(truncated, worker), ExitCode.StageFailed, ["stage 0: ", "model-00004-of-00004.safetensors", "(LoadFailed)"]);
        Assert.Equal(ExitCode.Success, (await CommandLineRun.Of("run", "--workers", worker, "--model", Fixtures.At("random-mistral"), "--prompt-ids", "1,5,9", "-n", "1")).ExitCode);
    }

    [Fact]
    public async Task Run_CudaWithoutADevice_SaysSo()
    {
        var leftovers = new LeftoverCheck();

        var run = await CommandLineRun.Of("run", "--model", Fixtures.TinyMixtral, "--prompt-ids", "1", "--device", "cuda:7");

        AssertRefused(run, ExitCode.StageFailed, ["stage 0: cuda:7 ", "(DeviceUnavailable)"]);
        leftovers.AssertNothingLeft();
    }

    private static Task<CommandLineRun> RunAsync(TemporaryModel model, string worker = "127.0.0.1:1") =>
        CommandLineRun.Of("run", "--model", model.Path, "--prompt-ids", "1,5,9", "--workers", worker);

    private static void AssertRefused(CommandLineRun run, ExitCode exitCode, IEnumerable<string> messages)
    {
        Assert.Equal(exitCode, run.ExitCode);
        Assert.Empty(run.Output);
        var error = Assert.Single(run.Error.Split('\n'), line => line.StartsWith("error: ", StringComparison.Ordinal));
        Assert.All(messages, message => Assert.True(error.Contains(message, StringComparison.Ordinal), error));
    }
}
