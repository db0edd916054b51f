using System.Globalization;
using System.Xml.Linq;
using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Cli.Bench;

namespace Pipeline.Coordinator.Tests.Cli.Bench;

public class BenchmarkChartTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Render_FakeReport_ContainsEveryTestAndValue()
    {
        var texts = Texts(Draw(FakeReport.Create()));
        Assert.Equal(Svg + "svg", Draw(FakeReport.Create()).Name);
        foreach (var expected in new[] { "tiny, \"mixed\" | model", "1 stage", "2 stages", "pp16", "1235", "tg8@32 x2/stage", "87.7", "1.5%", "(0%)", "25%", "(12.5%)" })
        {
            Assert.Contains(expected, texts);
        }
    }

    [Fact]
    public void Render_FakeReport_IsStillImage() =>
        Assert.DoesNotContain(Draw(FakeReport.Create()).Descendants(), element => element.Name.LocalName is "script" or "foreignObject" or "image" or "animate");

    [Fact]
    public void Render_TwoStageCounts_DrawsBarsInProportionAndInsideThePicture()
    {
        var report = FakeReport.Create();
        var prefill = report.Results[0] with { BubbleMeasured = null };
        var half = prefill with { Stages = 2, TokensPerSecond = prefill.TokensPerSecond with { Mean = prefill.TokensPerSecond.Mean / 2 } };
        var picture = Draw(report with { Results = [prefill, half] });
        var bars = picture.Elements(Svg + "rect").Where(bar => (string?)bar.Attribute("rx") is not null && Number(bar, "width") > 12).ToList();
        Assert.Equal(2, bars.Count);
        Assert.Equal(0.5, Number(bars[1], "height") / Number(bars[0], "height"), 3);
        Assert.Equal(Number(bars[0], "y") + Number(bars[0], "height"), Number(bars[1], "y") + Number(bars[1], "height"), 2);
        Assert.NotEqual((string?)bars[0].Attribute("fill"), (string?)bars[1].Attribute("fill"));
        Assert.All(picture.Elements(Svg + "rect"), bar => Assert.InRange(bar.Attribute("x") is null ? 0 : Number(bar, "x") + Number(bar, "width"), 0, Number(picture, "width")));
    }

    [Theory]
    [InlineData(0.7, 0.8)]
    [InlineData(0.61, 0.8)]
    [InlineData(0.8, 0.8)]
    [InlineData(87.654, 100)]
    [InlineData(1234, 1600)]
    [InlineData(1, 1)]
    [InlineData(0, 1)]
    public void RoundUp_FourTicks_GivesRoundSteps(double value, double expected) => Assert.Equal(expected, AxisScale.RoundUp(value, 4), 9);

    private static XElement Draw(BenchmarkReport report) => XDocument.Parse(BenchmarkChart.Render(report)).Root!;

    private static List<string> Texts(XElement picture) => [.. picture.Descendants(Svg + "text").Select(text => text.Value)];

    private static double Number(XElement element, string attribute) => double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
