using Pipeline.Coordinator.Cli.Top;
using Pipeline.Coordinator.Observation;

namespace Pipeline.Coordinator.Tests.Cli.Top;

/// <summary>The picture in letters.</summary>
public class TopScreenTests
{
    private static readonly PipelineView View = new()
    {
        Model = "tiny",
        State = "serving",
        Hops = "ipc",
        Running = 3,
        Waiting = 1,
        InFlight = 2,
        Microbatches = 4,
        CacheUsage = 0.25,
        Preemptions = 7,
        PrefixHitRate = 0.5,
        PrefillTokensPerSecond = 1234.56,
        DecodeTokensPerSecond = 78.9,
        Bubble = 0.4,
        HopMicroseconds = 31.6,
        Stages =
        [
            new StageView(0, "0..3", "cpu", "a CPU", 1, 1, Up: true, 0.5, 0.1, 0.2, 0.2, 1.5),
            new StageView(1, "4..7", "cuda:0", "a GPU", 1, 1, Up: false, 0, 0, 0, 1, null) { Trouble = "loading 42 %" },
        ],
    };

    [Fact]
    public void Draw_Serving_ShowsEverything() => Assert.Equal(
        [
            "tiny  serving  http://there:1",
            "decode 78.9 tok/s   prefill 1234.6 tok/s   running 3   waiting 1   in the pipe 2 of 4",
            "KV cache 25 %   prefix hits 50 %   preemptions 7   bubble 40 %   hop 32 us   steps travel by ipc",
            "",
            "  0 cpu 0..3    [##########################=====----------..........] 50 % busy 20 % waiting    1.50 ms/step",
            "  1 cuda:0 4..7 [...................................................] LOADING 42 %",
            "",
            "# busy   = sending   - waiting (the bubble)   . idle (nothing to do)",
        ],
        TopScreen.Draw(View, "http://there:1", 108));

    [Fact]
    public void Draw_Loading_SaysHowFar() => Assert.Equal(
        ["tiny  loading: 1 of 2 stages loaded  http://there:1"],
        TopScreen.Draw(new PipelineView { Model = "tiny", State = "loading", Message = "1 of 2 stages loaded" }, "http://there:1", 100));

    [Theory]
    [InlineData(20)]
    [InlineData(60)]
    [InlineData(300)]
    public void Draw_AnyWidth_KeepsWithin(int width) => Assert.All(TopScreen.Draw(View, "http://there:1", width), line => Assert.InRange(line.Length, 0, width));
}
