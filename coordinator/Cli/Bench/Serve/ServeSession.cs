using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>One load test from the first question to the server to what was seen of every request.</summary>
internal sealed class ServeSession(ServePlan plan, Terminal terminal, TimeProvider timeProvider) : IDisposable
{
    private static readonly TimeSpan LongestQuestion = TimeSpan.FromSeconds(30);

    /// <summary>Vocabularies to try when the server does not tell its own, from the usual one down to those of toys.</summary>
    private static readonly int[] LikelyVocabularies = [32000, 2048, 512];

    /// <summary>Read before the server is asked anything: a file that is wrong should not need one. Null: random prompts.</summary>
    private readonly IReadOnlyList<LoadPrompt>? _fromFile = plan.DatasetPath is { } path
        ? PromptFile.Load(path, plan.Settings.WarmUps + plan.Requests, plan.OutputTokens, plan.Settings.Seed)
        : null;

    private readonly HttpClient _http = Connect(plan.ApiKey);

    /// <summary>Random prompts are sent as this; known once the server was asked.</summary>
    public PromptForm Form { get; private set; }

    public int? VocabularySize { get; private set; }

    public async Task<LoadTarget> FindTargetAsync(CancellationToken cancellationToken)
    {
        var served = await ServedModelAsync(cancellationToken);
        var target = new LoadTarget(plan.BaseAddress, plan.Path, plan.Endpoint, served.Id);
        await ChooseFormAsync(target, plan.VocabularySize ?? served.VocabularySize, cancellationToken);
        return target;
    }

    public async Task<IReadOnlyList<RequestOutcome>> RunAsync(LoadTarget target, CancellationToken cancellationToken)
    {
        var prompts = _fromFile ?? Workload(VocabularySize ?? LikelyVocabularies[0]).Prompts(plan.Settings.WarmUps + plan.Requests, Form);
        var warmUps = await RunAsync(target, [.. prompts.Take(plan.Settings.WarmUps)], plan.Settings with { RequestRate = double.PositiveInfinity }, "warm-up", cancellationToken);
        if (warmUps.FirstOrDefault(outcome => outcome.Failure is not null) is { Failure: { } failure })
        {
            terminal.Error.WriteLine($"note: {warmUps.Count(outcome => outcome.Failure is not null)} of {warmUps.Count} warm-up(s) failed: {failure.Message}");
        }

        return await RunAsync(target, [.. prompts.Skip(plan.Settings.WarmUps)], plan.Settings, "requests", cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private async Task<IReadOnlyList<RequestOutcome>> RunAsync(
        LoadTarget target, IReadOnlyList<LoadPrompt> prompts, LoadSettings settings, string what, CancellationToken cancellationToken)
    {
        var progress = new LoadProgress();
        var clock = new LoadClock(timeProvider);
        var client = new StreamingClient(_http, target, plan.Fields, plan.Timeout, clock);
        var running = new LoadRun(settings, client.MeasureAsync, clock, progress).RunAsync(prompts, cancellationToken);
        await ShowAsync(running, what, prompts.Count, progress, clock);
        return await running;
    }

    private async Task ShowAsync(Task running, string what, int planned, LoadProgress progress, LoadClock clock)
    {
        var interval = TimeSpan.FromSeconds(terminal.AnimatesProgress ? 1 : 10);
        var shown = false;
        while (await Task.WhenAny(running, Task.Delay(interval, timeProvider)) != running)
        {
            var line = string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: {progress.Finished}/{planned} done, {progress.Running} under way, {progress.Failed} failed, {progress.Tokens / clock.Now * 1000:F1} tok/s of those done, {clock.Now / 1000:F0} s");
            terminal.Error.Write(terminal.AnimatesProgress ? $"\r{line}   " : $"{line}\n");
            shown = terminal.AnimatesProgress;
        }

        if (shown)
        {
            terminal.Error.WriteLine();
        }
    }

    private RandomWorkload Workload(int vocabularySize) => new(plan.InputTokens, plan.OutputTokens, plan.RangeRatio, vocabularySize, plan.Settings.Seed);

    /// <summary>A server need not list its models when the user names one.</summary>
    private async Task<ServedModel> ServedModelAsync(CancellationToken cancellationToken)
    {
        try
        {
            var models = await ServerModels.ListAsync(_http, plan.BaseAddress, LongestQuestion, cancellationToken);
            return plan.Model is null
                ? models is [var first, ..] ? first : throw new UserErrorException($"{plan.BaseAddress} serves no model; name one with --model")
                : models.FirstOrDefault(model => model.Id == plan.Model) ?? new ServedModel(plan.Model, null);
        }
        catch (UserErrorException) when (plan.Model is not null)
        {
            return new ServedModel(plan.Model, null);
        }
    }

    /// <summary>Asks for one token, so that a wrong address or name is known before a thousand requests are made.</summary>
    private async Task ChooseFormAsync(LoadTarget target, int? vocabularySize, CancellationToken cancellationToken)
    {
        var client = new StreamingClient(_http, target, plan.Fields, plan.Timeout, new LoadClock(timeProvider));
        RequestFailure? refusal = null;
        if (plan is { DatasetPath: null, Endpoint: CompletionEndpoint.Completions, Form: not PromptForm.Words })
        {
            foreach (var size in vocabularySize is { } known ? [known] : LikelyVocabularies)
            {
                refusal = (await AskAsync(Workload(size).Probe())).Failure;
                if (refusal is null or { Kind: FailureKind.MissingDone })
                {
                    (Form, VocabularySize) = (PromptForm.TokenIds, size);
                    return;
                }
            }

            if (plan.Form == PromptForm.TokenIds)
            {
                throw new UserErrorException($"{target.Address} takes no token ids: {refusal!.Message}");
            }
        }

        Form = plan.DatasetPath is null ? PromptForm.Words : PromptForm.Text;
        refusal = (await AskAsync(new LoadPrompt("time", null, 1))).Failure;
        if (refusal is { Kind: FailureKind.Unreachable or FailureKind.HttpStatus or FailureKind.Throttled or FailureKind.Timeout })
        {
            throw new UserErrorException($"{target.Address} does not answer{(refusal.Status is { } status ? $" but with HTTP {status}" : "")}: {refusal.Message}");
        }

        async Task<RequestOutcome> AskAsync(LoadPrompt prompt)
        {
            var outcome = await client.MeasureAsync(prompt, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return outcome;
        }
    }

    /// <summary>One connection for each request under way; nothing waits for another, and nothing is added to a request.</summary>
    private static HttpClient Connect(string? apiKey)
    {
        var handler = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = int.MaxValue,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            AutomaticDecompression = DecompressionMethods.None,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
        };
        var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        if (!string.IsNullOrEmpty(apiKey))
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        }

        return http;
    }
}
