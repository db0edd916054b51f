using System.CommandLine;
using Pipeline.Coordinator.Cli.Bench.Serve;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.Cli.Bench.Serve;

public class ServeOptionsTests
{
    [Fact]
    public void Plan_NoFlags_IsTheUsualOne()
    {
        var plan = Plan("", _ => null);
        Assert.Equal((new Uri("http://127.0.0.1:8000"), "/v1/completions", CompletionEndpoint.Completions), (plan.BaseAddress, plan.Path, plan.Endpoint));
        Assert.Equal((null, null, null, null), (plan.Model, plan.ApiKey, plan.DatasetPath, plan.Form));
        Assert.Equal((1024, 128, 0.0, 1000), (plan.InputTokens, plan.OutputTokens, plan.RangeRatio, plan.Requests));
        Assert.Equal(new LoadSettings(double.PositiveInfinity, 1, null, 0, 0), plan.Settings);
        Assert.Equal(new RequestFields(), plan.Fields);
        Assert.Equal([LatencyKind.Ttft, LatencyKind.Tpot, LatencyKind.Itl, LatencyKind.E2el], plan.Metrics);
        Assert.Equal([99.0], plan.Percents);
        Assert.Null(plan.Goodput);
    }

    [Fact]
    public void Plan_AllFlags_SaysWhatTheySay()
    {
        var plan = Plan(
            "--request-rate 2.5 --burstiness 0.5 --max-concurrency 7 --num-warmups 3 --seed 9 --temperature 0 --top-p 0.9 --top-k 40 --min-p 0.1 --repetition-penalty 1.1"
            + " --frequency-penalty -1 --presence-penalty 1 --ignore-eos --goodput tpot:50 ttft:200.5 --metric-percentiles 99,50,50 --percentile-metrics e2el,itl,itl --timeout 5",
            _ => null);
        Assert.Equal(new LoadSettings(2.5, 0.5, 7, 3, 9), plan.Settings);
        Assert.Equal(
            new RequestFields { Temperature = 0, TopP = 0.9, TopK = 40, MinP = 0.1, RepetitionPenalty = 1.1, FrequencyPenalty = -1, PresencePenalty = 1, IgnoreEos = true }, plan.Fields);
        Assert.Equal(new ServiceLevel(200.5, 50, null), plan.Goodput);
        Assert.Equal([50.0, 99], plan.Percents);
        Assert.Equal([LatencyKind.Itl, LatencyKind.E2el], plan.Metrics);
        Assert.Equal(TimeSpan.FromSeconds(5), plan.Timeout);
    }

    [Theory]
    [InlineData("", "from-environment")]
    [InlineData("--api-key from-flag", "from-flag")]
    public void Plan_ApiKey_IsTheFlagsBeforeTheEnvironments(string line, string expected) =>
        Assert.Equal(expected, Plan(line, name => name == "OPENAI_API_KEY" ? "from-environment" : null).ApiKey);

    /// <summary>The lines of any other file would be taken for prompts.</summary>
    [Theory]
    [InlineData("--dataset-name sharegpt --dataset-path README.md", "--dataset-name sharegpt wants a .json file of conversations, got 'README.md'; custom takes prompts from .jsonl and text files too")]
    [InlineData("--dataset-name sharegpt", "--dataset-path is missing: it names the file with the prompts")]
    public void Plan_ConversationsThatAreNone_AreRefused(string line, string expected) =>
        Assert.Equal(expected, Assert.Throws<UserErrorException>(() => Plan(line, _ => null)).Message);

    [Theory]
    [InlineData("--dataset-name sharegpt --dataset-path talks.json", "talks.json")]
    [InlineData("--dataset-name custom --dataset-path README.md", "README.md")]
    [InlineData("--dataset-path prompts.jsonl", "prompts.jsonl")]
    [InlineData("--dataset-name random", null)]
    public void Plan_Dataset_IsWhereThePromptsAre(string line, string? expected) => Assert.Equal(expected, Plan(line, _ => null).DatasetPath);

    private static ServePlan Plan(string line, Func<string, string?> environment)
    {
        var options = new ServeOptions();
        var command = new RootCommand();
        options.AddTo(command);
        var parsed = command.Parse(line);
        Assert.Empty(parsed.Errors);
        return options.Plan(parsed, environment);
    }
}
