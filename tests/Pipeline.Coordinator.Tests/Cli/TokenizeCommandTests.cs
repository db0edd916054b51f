using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli;

public class TokenizeCommandTests
{
    private static string V1 => Tokenizers.PathOf(Tokenizers.FileV1);

    private static string V2 => Tokenizers.PathOf(Tokenizers.FileV2);

    [Fact]
    public async Task Tokenize_Text_IsATableOfIdsAndPieces()
    {
        var run = await CommandLineRun.Of("tokenize", "--tokenizer", V1, "Hello, world!\n");

        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Equal(
            """
            5 tokens
            position     id  piece
                   0  22557  ▁Hello
                   1  28725  ,
                   2   1526  ▁world
                   3  28808  !
                   4     13  <0x0A>

            """,
            run.Output);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task Tokenize_PieceWithALineBreak_StaysOnItsLine()
    {
        var run = await CommandLineRun.Of("tokenize", "--model", Fixtures.TinyMixtral, "x\ny");

        Assert.Contains(@"  \n", run.Output, StringComparison.Ordinal);
        Assert.Equal(Tokenizers.Tiny.Encode("x\ny").Length + 2, run.Output.Count(character => character == '\n'));
    }

    [Fact]
    public async Task Tokenize_Json_HasTheTextAndEveryToken()
    {
        var run = await CommandLineRun.Of("tokenize", "--tokenizer", V1, "Hello, world!\n", "--json");

        Assert.Equal("Hello, world!\n", run.Json.GetProperty("text").GetString());
        Assert.Equal([(22557, "▁Hello"), (28725, ","), (1526, "▁world"), (28808, "!"), (13, "<0x0A>")], Tokens(run));
    }

    [Fact]
    public async Task Tokenize_Dash_TakesStandardInputAsItIs()
    {
        var run = await WithInput("Hello, world!\n", "tokenize", "--tokenizer", V1, "-", "--json");
        Assert.Equal([22557, 28725, 1526, 28808, 13], Tokens(run).Select(token => token.Id));
    }

    [Fact]
    public async Task Tokenize_NamesOfControlTokensInText_StayText() =>
        Assert.DoesNotContain(Tokens(await CommandLineRun.Of("tokenize", "--tokenizer", V2, "</s>[INST]", "--json")), token => token.Id < 10);

    [Fact]
    public async Task Tokenize_Chat_IsTheWholePromptInTheTokenizersOwnFormat()
    {
        var run = await CommandLineRun.Of("tokenize", "--tokenizer", V2, "--chat", "--system", "Be brief.", "Who?", "--json");

        int[] expected = [1, 3, .. Tokenizers.V2.Encode("Be brief.\n\nWho?"), 4];
        Assert.Equal(expected, Tokens(run).Select(token => token.Id));
        Assert.Equal("Who?", run.Json.GetProperty("text").GetString());
    }

    [Fact]
    public async Task Tokenize_ChatFormat_OverrulesTheTokenizers()
    {
        var run = await CommandLineRun.Of("tokenize", "--tokenizer", V2, "--chat", "--chat-format", "v1", "Who?", "--json");
        Assert.Equal([1, .. Tokenizers.V2.Encode("[INST] Who? [/INST]")], Tokens(run).Select(token => token.Id));
    }

    [Fact]
    public async Task Tokenize_ChatOfAModel_ReadsTheTemplateInItsFolder()
    {
        var run = await CommandLineRun.Of("tokenize", "--model", Fixtures.TinyMixtral, "--chat", "Who?", "--json");
        Assert.Equal([1, .. Tokenizers.Tiny.Encode("USER:\nWho?\n\nASSISTANT:\n")], Tokens(run).Select(token => token.Id));
    }

    [Theory]
    [InlineData("22557,28725,1526,28808")]
    [InlineData("22557 28725 1526 28808")]
    [InlineData(" 1, 22557,\t28725\n1526 , 28808 2\n")]
    public async Task Decode_Ids_IsTheirText(string ids)
    {
        var run = await CommandLineRun.Of("tokenize", "--tokenizer", V1, "--decode", ids);

        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Equal("Hello, world!\n", run.Output);
    }

    [Fact]
    public async Task Decode_Dash_TakesIdsFromStandardInput()
    {
        var run = await WithInput("22557 28725\n1526 28808\n", "tokenize", "--tokenizer", V1, "--decode", "-", "--json");

        Assert.Equal("Hello, world!", run.Json.GetProperty("text").GetString());
        Assert.Equal([(22557, "▁Hello"), (28725, ","), (1526, "▁world"), (28808, "!")], Tokens(run));
    }

    [Theory]
    [InlineData("--tokenizer {v1} --decode 5,32000", "token id 32000 is outside the vocabulary of {v1}: ids go from 0 to 31999")]
    [InlineData("--tokenizer {v1} --decode 5,six", "--decode wants token ids with commas or spaces between them, for instance 419,310,1999; got 'six'")]
    [InlineData("--tokenizer {v1} --decode 5,-6", "--decode wants token ids with commas or spaces between them, for instance 419,310,1999; got '-6'")]
    [InlineData("--tokenizer {v1}", "TEXT is missing: give the text to tokenize, or - to read standard input")]
    [InlineData("--tokenizer {v1} --model {v1} x", "--tokenizer and --model both name a tokenizer; leave one out")]
    [InlineData("--tokenizer nowhere.model x", "there is no tokenizer file or model folder nowhere.model")]
    [InlineData("--model {bare} x", "there is no tokenizer in {bare}; supported are SentencePiece files: tokenizer.model or a name that ends in .model.v1, .v2, .v3 or .v7")]
    [InlineData("--model mixtral-8x7b x", "mixtral-8x7b is a built-in shape without a tokenizer: name a folder with --model, or a file with --tokenizer")]
    [InlineData("--tokenizer {v1} --chat --chat-format v2 x", "the chat format V2 needs the control piece [INST], which the tokenizer {v1} does not have")]
    public async Task Tokenize_WhatCannotBe_SaysWhy(string line, string message)
    {
        var arguments = line.Split(' ').Select(WithPaths).Prepend("tokenize").ToArray();

        var run = await CommandLineRun.Of(arguments);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal($"error: {WithPaths(message)}\n", run.Error);
        Assert.Empty(run.Output);
    }

    private static string WithPaths(string text) => text.Replace("{v1}", V1, StringComparison.Ordinal).Replace("{bare}", Fixtures.At("random-mistral"), StringComparison.Ordinal);

    private static IEnumerable<(int Id, string Piece)> Tokens(CommandLineRun run) =>
        run.Json.GetProperty("tokens").EnumerateArray().Select(token => (token.GetProperty("id").GetInt32(), token.GetProperty("piece").GetString()!));

    private static async Task<CommandLineRun> WithInput(string input, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var reader = new StringReader(input);
        var exitCode = await new CoordinatorApp(new Terminal(output, error) { Input = reader }).RunAsync(arguments, TestContext.Current.CancellationToken);
        return new CommandLineRun(exitCode, output.ToString(), error.ToString());
    }
}
