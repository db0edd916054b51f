using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.Coordinator.Verification;
using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Verification;

public class GoldenFileTests
{
    private static readonly ModelConfig Four = ModelConfigFile.Read(Fixtures.At("random-mistral")).Config with { Name = "four", VocabularySize = 4 };

    [Fact]
    public void Read_TwoCases_YieldsPromptsLogitsAndContinuations()
    {
        var cases = Read(GoldenFileBuilder.WithCases(2)).Cases;

        Assert.Equal(["case0", "case1"], cases.Select(item => item.Case.Name));
        Assert.All(cases, item =>
        {
            Assert.Equal([1, 3, 2], item.Case.Prompt);
            Assert.Equal(2, item.Case.MaxTokens);
            Assert.Equal([0, 3], item.Expected.Tokens);
            Assert.Equal(3, item.Expected.Rows);
        });
        Assert.Equal([0.5f, 0.625f, 0.75f, 0.875f], cases[0].Expected.Row(1));
        Assert.Equal([2.5f, 2.625f, 2.75f, 2.875f], cases[1].Expected.Row(2));
    }

    [Fact]
    public void Read_MoreThanTenCases_KeepsThemInTheOrderOfTheirNumbers() =>
        Assert.Equal([.. Enumerable.Range(0, 12).Select(index => 1.5f * index)], Read(GoldenFileBuilder.WithCases(12)).Cases.Select(item => item.Expected.Logits[0]));

    [Fact]
    public void Read_CaseWithoutContinuation_OnlyScoresThePrompt() =>
        Assert.Equal(0, Read(GoldenFileBuilder.WithCases(1).Ids("case0.greedy")).Cases[0].Case.MaxTokens);

    [Theory]
    [InlineData("random-mistral", "random-mistral", 8)]
    [InlineData("random-mistral-nowindow-headdim", "random-mistral-nowindow-headdim", 8)]
    [InlineData("random-mixtral", "random-mixtral", 8)]
    [InlineData("../../models/tiny-mixtral", "tiny-mixtral", 4)]
    public void Read_EveryFixture_GreedyBeginsWithTheLargestLogitOfTheLastRow(string model, string golden, int count)
    {
        var file = GoldenFile.Read(Fixtures.At($"{golden}.golden.safetensors"), ModelConfigFile.Read(Fixtures.At(model)).Config);

        Assert.Equal(count, file.Cases.Count);
        Assert.All(file.Cases, item =>
        {
            var last = item.Expected.Row(item.Expected.Rows - 1).ToArray();
            Assert.Equal(Array.IndexOf(last, last.Max()), item.Expected.Tokens[0]);
        });
    }

    [Fact]
    public void Read_AnotherModelsFile_NamesBothVocabularies()
    {
        var tiny = ModelConfigFile.Read(Fixtures.TinyMixtral).Config;
        var path = Fixtures.At("random-mistral.golden.safetensors");

        var error = Assert.Throws<UserErrorException>(() => GoldenFile.Read(path, tiny));

        Assert.Equal($"{path}: case0.logits has a vocabulary of 512, but tiny-mixtral has one of 2048: they are not of the same model", error.Message);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "no cases", "holds no cases: expected tensors case0.input_ids, case0.logits, case0.greedy and so on" },
        { "no ids", "tensor case1.input_ids is missing; every case has input_ids, logits and greedy" },
        { "no logits", "tensor case1.logits is missing; every case has input_ids, logits and greedy" },
        { "no greedy", "tensor case1.greedy is missing; every case has input_ids, logits and greedy" },
        { "gap", "tensor case3.greedy belongs to no case: cases count from case0 without gaps, and every case has input_ids, logits and greedy" },
        { "stray", "tensor case0.scores belongs to no case: cases count from case0 without gaps, and every case has input_ids, logits and greedy" },
        { "64-bit ids", "case0.input_ids is I64 [3], expected I32 [n] with n of 1 or more" },
        { "no prompt", "case0.input_ids is I32 [0], expected I32 [n] with n of 1 or more" },
        { "2-d greedy", "case0.greedy is I32 [1, 2], expected I32 [m]" },
        { "16-bit logits", "case0.logits is F16 [3, 4], expected F32 [3, 4], a row for each of the prompt's tokens" },
        { "short logits", "case0.logits is F32 [2, 4], expected F32 [3, 4], a row for each of the prompt's tokens" },
        { "flat logits", "case0.logits is F32 [12], expected F32 [3, 4], a row for each of the prompt's tokens" },
        { "large id", "case1.input_ids[2] is 4, outside the vocabulary of four: ids go from 0 to 3" },
        { "negative id", "case1.greedy[1] is -1, outside the vocabulary of four: ids go from 0 to 3" },
        { "NaN", "case0.logits[1, 2] is NaN; an oracle's logits are finite" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Read_FaultyFile_SaysWhichTensorAndWhatWouldBeRight(string fault, string message)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("golden.safetensors", Damage(GoldenFileBuilder.WithCases(2), fault).Build());

        var error = Assert.Throws<UserErrorException>(() => GoldenFile.Read(path, Four));

        Assert.Equal($"{path}: {message}", error.Message);
    }

    [Fact]
    public void Read_NoSuchFile_SaysSo() =>
        Assert.Equal("no such golden file: nowhere.safetensors", Assert.Throws<UserErrorException>(() => GoldenFile.Read("nowhere.safetensors", Four)).Message);

    [Fact]
    public void Read_TruncatedFile_IsTheUsersToMend()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("golden.safetensors", GoldenFileBuilder.WithCases(1).Build()[..^1]);

        var error = Assert.Throws<UserErrorException>(() => GoldenFile.Read(path, Four));

        Assert.StartsWith($"the golden file cannot be read: {path}", error.Message, StringComparison.Ordinal);
    }

    private static GoldenFileBuilder Damage(GoldenFileBuilder builder, string fault) => fault switch
    {
        "no cases" => new GoldenFileBuilder(),
        "no ids" => builder.Without("case1.input_ids"),
        "no logits" => builder.Without("case1.logits"),
        "no greedy" => builder.Without("case1.greedy"),
        "gap" => builder.Ids("case3.greedy", 1),
        "stray" => builder.Ids("case0.scores", 1),
        "64-bit ids" => builder.Tensor("case0.input_ids", "I64", [3], new byte[24]),
        "no prompt" => builder.Ids("case0.input_ids"),
        "2-d greedy" => builder.Tensor("case0.greedy", "I32", [1, 2], new byte[8]),
        "16-bit logits" => builder.Tensor("case0.logits", "F16", [3, 4], new byte[24]),
        "short logits" => builder.Logits("case0.logits", [2, 4], new float[8]),
        "flat logits" => builder.Logits("case0.logits", [12], new float[12]),
        "large id" => builder.Ids("case1.input_ids", 0, 3, 4),
        "negative id" => builder.Ids("case1.greedy", 0, -1),
        "NaN" => builder.Logits("case0.logits", [3, 4], [0, 1, 2, 3, 4, 5, float.NaN, 7, 8, 9, 10, 11]),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "no such fault"),
    };

    private static GoldenFile Read(GoldenFileBuilder builder)
    {
        using var folder = new TemporaryFolder();
        return GoldenFile.Read(folder.Write("golden.safetensors", builder.Build()), Four);
    }
}
