using System.Text.Json;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Tokenization;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary><c>coordinator run</c> on the default model.</summary>
public sealed class RunCommandTests(WorkerPool pool)
{
    private static readonly GoldenFile Golden = new("tiny-mixtral");

    [Fact]
    public async Task Run_LaunchedWorkers_WritesTextAndTableAndLeavesNothingBehind()
    {
        var leftovers = new LeftoverCheck();

        var run = await CommandLineRun.Succeeding("run", "--stages", "2", "--prompt", Golden.Texts[0], "--temperature", "0", "--max-tokens", "12");

        Assert.Equal(Golden.Texts[0] + Decode(Golden.Greedy(0)[..12]) + "\n", run.Output);
        Assert.Contains("│     1 │   4..7 │    cpu │", run.Error, StringComparison.Ordinal);
        Assert.Contains("decode: bubble", run.Error, StringComparison.Ordinal);
        Assert.Contains("decode 12 tokens", run.Error, StringComparison.Ordinal);
        leftovers.AssertNothingLeft();
    }

    [Fact]
    public async Task Run_Interrupted_HasStreamedTheTextUntilThen()
    {
        using var interruption = new CancellationTokenSource();
        using var output = new InterruptingWriter(writes: 6, interruption);
        using var error = new StringWriter();
        var app = new CoordinatorApp(new Terminal(output, error));
        string[] line = ["run", "--workers", await pool.AddressesAsync(2), "--prompt", Golden.Texts[0], "--temperature", "0", "--max-tokens", "3000", "--ignore-eos"];

        var exitCode = await app.RunAsync(line, interruption.Token).WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);

        Assert.Equal(ExitCode.Interrupted, exitCode);
        Assert.Contains("error: interrupted", error.ToString(), StringComparison.Ordinal);
        Assert.StartsWith(Golden.Texts[0] + Decode(Golden.Greedy(0)[..3]), output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Run_GoldenPrompts_GenerateWhatAnotherImplementationDoes(int stages)
    {
        var prompts = Golden.Texts.SelectMany(text => (string[])["--prompt", text]);

        var run = await CommandLineRun.Succeeding(["run", "--workers", await pool.AddressesAsync(stages), "--temperature", "0", "--max-tokens", "96", "--ignore-eos", "--json", .. prompts]);

        Assert.Equal(Golden.Texts.Select((_, number) => Golden.Greedy(number)), run.Outputs.Select(output => output.GetProperty("tokens").Deserialize<int[]>()!));
    }

    /// <summary>Nothing but the end of text is drawn: with the option the answer goes on all the same.</summary>
    [Theory]
    [InlineData(0, "stop")]
    [InlineData(5, "length", "--ignore-eos")]
    public async Task Run_EndOfText_EndsTheAnswerUnlessIgnored(int tokens, string reason, params string[] options)
    {
        var run = await CommandLineRun.Succeeding(
            ["run", "--workers", await pool.AddressesAsync(1), "--prompt-ids", "1,5,9", "--logit-bias", "2=1000", "--max-tokens", "5", "--json", .. options]);

        Assert.Equal(Enumerable.Repeat(2, tokens), run.Outputs[0].GetProperty("tokens").Deserialize<int[]>()!);
        Assert.Equal(reason, run.Outputs[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Run_SeveralPrompts_AreShownInTheOrderOfTheRequestUnderHeadings()
    {
        string[] prompts = [Golden.Texts[1], "O", Golden.Texts[3]];

        var run = await CommandLineRun.Succeeding(
            ["run", "--workers", await pool.AddressesAsync(2), "--temperature", "0", "--max-tokens", "8", .. prompts.SelectMany(text => (string[])["-p", text])]);

        var parts = run.Output.Split("=== prompt ");
        Assert.Equal(4, parts.Length);
        Assert.Equal($"1 of 3 ===\n{prompts[0]}{Decode(Golden.Greedy(1)[..8])}\n", parts[1]);
        Assert.StartsWith($"2 of 3 ===\n{prompts[1]}", parts[2], StringComparison.Ordinal);
        Assert.Equal($"3 of 3 ===\n{prompts[2]}{Decode(Golden.Greedy(3)[..8])}\n", parts[3]);
    }

    [Fact]
    public async Task Run_Json_IsOneDocumentAndNothingElse()
    {
        var run = await CommandLineRun.Succeeding("run", "--workers", await pool.AddressesAsync(2), "-p", "JULIET:", "-p", "NURSE:", "-n", "5", "--logprobs", "2", "--json");

        Assert.Equal(2, run.Json.GetProperty("stages").GetInt32());
        Assert.Equal(["JULIET:", "NURSE:"], run.Outputs.Select(output => output.GetProperty("prompt").GetString()));
        Assert.All(run.Outputs, output => Assert.Equal(output.GetProperty("tokens").GetArrayLength(), output.GetProperty("logprobs").GetArrayLength()));
        Assert.Equal(2, run.Json.GetProperty("stage_status").GetArrayLength());
        Assert.Equal(run.Outputs.Sum(output => output.GetProperty("tokens").GetArrayLength()), run.Json.GetProperty("throughput").GetProperty("generated_tokens").GetInt32());
    }

    [Fact]
    public async Task Run_PromptsByIdsFileAndInput_AreTheSamePrompt()
    {
        var workers = await pool.AddressesAsync(1);
        using var file = new TemporaryFile("ROMEO:\n\nJULIET:\n");
        string[] common = ["run", "--workers", workers, "--temperature", "0", "-n", "6", "--json"];
        var expected = await CommandLineRun.Succeeding([.. common, "-p", "ROMEO:", "-p", "JULIET:"]);
        var ids = expected.Outputs[0].GetProperty("prompt_tokens").GetInt32();

        var fromFile = await CommandLineRun.Succeeding([.. common, "--prompts-file", file.Path]);
        var fromIds = await CommandLineRun.Succeeding([.. common, "--prompt-ids", string.Join(',', Tokens("ROMEO:"))]);
        var fromInput = await CommandLineRun.Of(new StringReader("JULIET:"), common);

        Assert.Equal(ids, Tokens("ROMEO:").Length);
        Assert.Equal(expected.Texts, fromFile.Texts);
        Assert.Equal(expected.Texts[0], Assert.Single(fromIds.Texts));
        Assert.Equal(expected.Texts[1], Assert.Single(fromInput.Texts));
    }

    [Fact]
    public async Task Run_PromptIdsAsText_ShowsIds()
    {
        var ids = string.Join(',', Golden.Prompt(0));

        var run = await CommandLineRun.Succeeding("run", "--workers", await pool.AddressesAsync(1), "--temperature", "0", "-n", "4", "--prompt-ids", ids);

        Assert.Equal($"ids: {string.Join(' ', Golden.Greedy(0)[..4])} \n", run.Output);
    }

    [Theory]
    [InlineData("Float32", 24)]
    [InlineData("BFloat16", 12, "--dtype", "bf16")]
    public async Task Run_RunningWorkersOnCpus_LoadFloat32UnlessToldOtherwise(string type, int mebibytes, params string[] options)
    {
        var run = await CommandLineRun.Succeeding(["run", "--workers", await pool.AddressesAsync(2), "--model", Fixtures.TinyMixtral, "--prompt-ids", "1,5", "-n", "1", "--json", .. options]);

        var bytes = run.Json.GetProperty("stage_status").EnumerateArray().Sum(stage => stage.GetProperty("weight_bytes").GetInt64());
        Assert.Contains($" on 2 stage(s), {type}, ", run.Error, StringComparison.Ordinal);
        Assert.Equal(mebibytes, bytes >> 20);
    }

    [Fact]
    public async Task Run_Chat_UsesTheModelsTemplate()
    {
        var tokenizer = SentencePieceTokenizer.Load(Fixtures.TinyMixtral);
        var expected = new InstructTemplate(tokenizer, ChatFormatDetection.Detect(tokenizer, Fixtures.TinyMixtral))
            .Encode([new ChatMessage(ChatRole.System, "Rhyme."), new ChatMessage(ChatRole.User, "Speak!")]);

        var run = await CommandLineRun.Succeeding("run", "--workers", await pool.AddressesAsync(1), "--chat", "--system", "Rhyme.", "-p", "Speak!", "-n", "6", "--temperature", "0", "--json");
        var ids = await CommandLineRun.Succeeding("run", "--workers", await pool.AddressesAsync(1), "--prompt-ids", string.Join(',', expected), "-n", "6", "--temperature", "0", "--json");

        Assert.Equal(expected.Length, run.Outputs[0].GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(ids.Texts, run.Texts);
    }

    [Fact]
    public async Task Run_Stop_EndsTheTextBeforeTheString()
    {
        var whole = Decode(Golden.Greedy(3)[..40]);
        var stop = whole.Substring(20, 3);

        var run = await CommandLineRun.Succeeding("run", "--workers", await pool.AddressesAsync(2), "-p", Golden.Texts[3], "--temperature", "0", "-n", "40", "--stop", stop, "--json");

        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], run.Texts[0]);
        Assert.Equal("stop", run.Outputs[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Run_NoTokensAskedFor_ScoresThePrompt()
    {
        var run = await CommandLineRun.Succeeding("run", "--workers", await pool.AddressesAsync(4), "-p", Golden.Texts[3], "-n", "0", "--json");

        var scores = run.Outputs[0].GetProperty("prompt_logprobs").Deserialize<float[]>()!;
        var expected = Golden.PromptScores(3);
        Assert.Empty(run.Outputs[0].GetProperty("tokens").EnumerateArray());
        Assert.Equal(expected.Length, scores.Length);
        Assert.All(expected.Zip(scores), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }

    /// <summary>Steps of full chunks: longer than a busy host keeps a process waiting for its core, so that they overlap there too.</summary>
    [Fact]
    public async Task Run_Timeline_ShowsStagesBusyAtTheSameTime()
    {
        using var file = new TemporaryFile("");
        var prompts = Enumerable.Range(1, 16).SelectMany(number => (string[])["-p", string.Join(' ', Enumerable.Repeat($"{Golden.Texts[3]} {number}", 8))]);

        await CommandLineRun.Succeeding(
            ["run", "--workers", await pool.AddressesAsync(4), "--threads", "1", "--max-num-batched-tokens", "256", "-n", "4", "--ignore-eos", "--timeline", file.Path, .. prompts]);

        var timeline = Timeline.Read(file.Path);
        Assert.Equal(["stage 0", "stage 1", "stage 2", "stage 3"], timeline.Stages);
        Assert.True(timeline.OverlapOf(0, 1) > TimeSpan.Zero, "stages 0 and 1 never compute at the same time");
        Assert.True(timeline.OverlapOf(0, 3) > TimeSpan.Zero, "stages 0 and 3 never compute at the same time");
    }

    [Fact]
    public async Task Run_SameSeed_GivesTheSameTextWhateverStagesAndMicrobatches()
    {
        string[] common = ["run", "--temperature", "0.9", "--top-p", "0.95", "-n", "16", "--threads", "1", "--json", "-p", "ROMEO:", "-p", "First Citizen:\nBefore we", "-p", "KING"];
        List<string[]> texts = [];
        for (var stages = 1; stages <= 4; stages++)
        {
            for (var microbatches = 1; microbatches <= 3; microbatches++)
            {
                var run = await CommandLineRun.Succeeding([.. common, "--seed", "7", "--workers", await pool.AddressesAsync(stages), "-M", $"{microbatches}"]);
                texts.Add([.. run.Texts]);
            }
        }

        var other = await CommandLineRun.Succeeding([.. common, "--seed", "8", "--workers", await pool.AddressesAsync(1)]);

        Assert.All(texts, text => Assert.Equal(texts[0], text));
        Assert.NotEqual(texts[0], other.Texts);
    }

    /// <summary>A word after a word: the space between them belongs to the answer.</summary>
    [Fact]
    public async Task Run_AnswerBeginsWithASpace_ItIsKept()
    {
        var run = await CommandLineRun.Succeeding("run", "--workers", await pool.AddressesAsync(1), "--prompt", "The king", "--temperature", "0", "-n", "6");

        Assert.StartsWith("The king is he had.", run.Output, StringComparison.Ordinal);
    }

    private static int[] Tokens(string text)
    {
        var tokenizer = SentencePieceTokenizer.Load(Fixtures.TinyMixtral);
        return [tokenizer.BosId, .. tokenizer.Encode(text)];
    }

    private static string Decode(int[] tokens)
    {
        var tokenizer = SentencePieceTokenizer.Load(Fixtures.TinyMixtral);
        var detokenizer = StreamingDetokenizer.After(tokenizer, Tokens("O"));
        return string.Concat(tokens.Select(detokenizer.Push)) + detokenizer.Flush();
    }
}
