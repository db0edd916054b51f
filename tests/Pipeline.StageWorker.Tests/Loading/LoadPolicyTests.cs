using Pipeline.Shared.Checkpoints;
using Pipeline.StageWorker.Loading;
using Pipeline.TestKit.Time;

namespace Pipeline.StageWorker.Tests.Loading;

/// <summary>Which failures of a load are tried again, how often, and how the pauses between grow.</summary>
public class LoadPolicyTests
{
    private static readonly Dictionary<string, (Exception Failure, bool CanHeal)> Failures = new()
    {
        ["the disk"] = (new IOException("Input/output error"), true),
        ["the disk, under a file's name"] = (new CheckpointException("a cannot be read", new IOException("Stale file handle")), true),
        ["a file cut while it is read"] = (new EndOfStreamException(), true),
        ["no such file"] = (new FileNotFoundException(), false),
        ["no such file, under its name"] = (new CheckpointException("a cannot be mapped", new FileNotFoundException()), false),
        ["no such folder"] = (new DirectoryNotFoundException(), false),
        ["not allowed"] = (new CheckpointException("a cannot be read", new UnauthorizedAccessException()), false),
        ["the format"] = (new CheckpointException("a is not a safetensors file"), false),
        ["the format, as JSON"] = (new CheckpointException("a is not valid JSON", new System.Text.Json.JsonException()), false),
        ["a mistake"] = (new ArgumentException("unknown kernels"), false),
        ["memory"] = (new InsufficientMemoryException(), false),
        ["the caller's wish"] = (new OperationCanceledException(), false),
    };

    [Fact]
    public void CanHeal_EveryKindOfFailure_IsKnown() =>
        Assert.All(Failures, failure => Assert.True(LoadPolicy.CanHeal(failure.Value.Failure) == failure.Value.CanHeal, failure.Key));

    [Fact]
    public async Task Execute_FailureThatStays_IsTriedFourTimesAndThenTold()
    {
        var attempts = 0;
        List<int> told = [];
        var policy = LoadPolicy.Create(new HurriedTime(), (attempt, _) => told.Add(attempt));
        var failure = await Assert.ThrowsAsync<IOException>(async () => await policy.ExecuteAsync<int>(_ => throw new IOException($"attempt {++attempts}"), Token));
        Assert.Equal(LoadPolicy.Attempts, attempts);
        Assert.Equal([1, 2, 3], told);
        Assert.Equal("attempt 4", failure.Message);
    }

    /// <summary>Stages that share a storage must not all come back to it at the same moment.</summary>
    [Fact]
    public async Task Execute_PausesBetweenAttempts_HaveJitterAndABound()
    {
        HashSet<TimeSpan> pauses = [];
        for (var run = 0; run < 3; run++)
        {
            var time = new HurriedTime();
            var policy = LoadPolicy.Create(time, (_, _) => { }, new Random(run).NextDouble);
            await Assert.ThrowsAsync<IOException>(async () => await policy.ExecuteAsync<int>(_ => throw new IOException(), Token));
            Assert.Equal(LoadPolicy.Attempts - 1, time.Waits.Count);
            Assert.All(time.Waits, pause => Assert.InRange(pause, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(5)));
            pauses.UnionWith(time.Waits);
        }

        Assert.Equal(9, pauses.Count);
    }

    [Fact]
    public async Task Execute_CallerGoesDuringAPause_EndsAtOnce()
    {
        using var leaving = new CancellationTokenSource();
        var attempts = 0;
        var policy = LoadPolicy.Create(TimeProvider.System, (_, _) => leaving.Cancel());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await policy.ExecuteAsync<int>(
            _ =>
            {
                attempts++;
                throw new IOException();
            },
            leaving.Token));
        Assert.Equal(1, attempts);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
