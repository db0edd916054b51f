using System.Diagnostics;
using System.Globalization;

namespace Pipeline.StageWorker.Tests.HostileBytes;

/// <summary>How long to try, and from which seed: PIPELINE_FUZZ_SECONDS and PIPELINE_FUZZ_SEED say otherwise.</summary>
internal sealed class FuzzBudget
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly TimeSpan _time = TimeSpan.FromSeconds(Number("PIPELINE_FUZZ_SECONDS", 6));

    public FuzzBudget(ITestOutputHelper output)
    {
        Seed = Number("PIPELINE_FUZZ_SEED", 20241);
        output.WriteLine($"PIPELINE_FUZZ_SEED={Seed}");
    }

    public int Seed { get; }

    public int Tried { get; private set; }

    /// <summary>At least a few hundred tries, however slow the machine is, and no more than the time allows.</summary>
    public bool Next() => Tried++ < 200 || _watch.Elapsed < _time;

    private static int Number(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : usual;
}
