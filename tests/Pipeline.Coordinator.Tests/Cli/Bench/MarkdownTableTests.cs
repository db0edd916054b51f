using Pipeline.Coordinator.Cli.Bench;

namespace Pipeline.Coordinator.Tests.Cli.Bench;

public class MarkdownTableTests
{
    [Fact]
    public void Render_FakeReport_IsExactlyThis() => Assert.Equal(
        """
        | model                  |  size | params | backend       | threads | stages | microbatches |            test |     t/s |     ± |  median | bubble measured | bubble predicted | hop p50 us | hop p99 us | vs 1 stage | share of bound | latency ms p50/p90/p99 |
        | ---------------------- | ----: | -----: | ------------- | ------: | -----: | -----------: | --------------: | ------: | ----: | ------: | --------------: | ---------------: | ---------: | ---------: | ---------: | -------------: | ---------------------: |
        | tiny, "mixed" \| model | 7 MiB | 1.84 M | cpu torch f32 |       2 |      1 |            1 |            pp16 | 1234.57 | 12.35 | 1233.25 |            1.5% |             0.0% |          - |          - |      1.00x |              - |     13.0 / 13.1 / 13.1 |
        | tiny, "mixed" \| model | 7 MiB | 1.84 M | cpu torch f32 |       1 |      2 |            2 | tg8@32 x2/stage |   87.65 |  0.50 |   87.75 |           25.0% |            12.5% |        310 |       1000 |      1.46x |          50.0% |     45.0 / 47.5 / 60.3 |

        - coordinator 1.2.3, .NET 10.0.0, Processor X, 2 cores
        - t/s: mean, standard deviation and median of 2 repetition(s); latency: pp time to first token, tg interval between tokens of a sequence; threads: of each stage
        - with 2 stages, all 2 stages share one CPU (Processor X): they take turns on it, so more stages add no computing power

        """,
        MarkdownTable.Render(FakeReport.Create()));

    [Fact]
    public void Render_WithoutBandwidth_ShowsTheRate()
    {
        var report = FakeReport.Create();
        var rendered = MarkdownTable.Render(report with { Results = [report.Results[1] with { ShareOfBound = null }] });
        Assert.Contains("  12.50 GB/s |", rendered, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(46_702_792_704, "46.70 B")]
    [InlineData(1_000_000_000, "1.00 B")]
    [InlineData(124_600_000, "124.60 M")]
    [InlineData(4_096, "4.10 K")]
    public void ParameterCount_Format_UsesPeoplesUnits(long parameters, string expected) => Assert.Equal(expected, ParameterCount.Format(parameters));
}
