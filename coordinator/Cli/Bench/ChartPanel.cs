namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>A panel of grouped bars over one axis.</summary>
/// <param name="AxisText">Writes a tick of the axis.</param>
internal sealed record ChartPanel(string Heading, IReadOnlyList<(string Label, IReadOnlyList<ChartBar> Bars)> Groups, Func<double, string> AxisText)
{
    public const double Height = 270;

    private const double BarWidth = 34;
    private const double BarGap = 16;
    private const double GroupGap = 34;
    private const double AxisWidth = 64;
    private const double HeadHeight = 62;
    private const double FootHeight = 44;
    private const double PlotHeight = Height - HeadHeight - FootHeight;
    private const double MarkOverhang = 5;
    private const int Ticks = 4;

    public double Width => AxisWidth + GroupGap + Groups.Sum(group => GroupWidth(group.Bars.Count));

    public void Draw(SvgCanvas canvas, double left, double top)
    {
        var highest = AxisScale.RoundUp(Groups.SelectMany(group => group.Bars).Max(bar => Math.Max(bar.Value, bar.Mark ?? 0)), Ticks);
        var floor = top + HeadHeight + PlotHeight;
        canvas.Text(left, top + 16, Heading, SvgTextStyle.Heading);
        DrawAxis(canvas, left, floor, highest);
        var x = left + AxisWidth + GroupGap;
        foreach (var (label, bars) in Groups)
        {
            foreach (var (bar, index) in bars.Select((bar, index) => (bar, index)))
            {
                DrawBar(canvas, bar, x + (index * (BarWidth + BarGap)), floor, highest);
            }

            canvas.Text(x + ((GroupWidth(bars.Count) - GroupGap - BarGap) / 2), floor + 33, label, SvgTextStyle.Group);
            x += GroupWidth(bars.Count);
        }
    }

    private static double GroupWidth(int bars) => (bars * (BarWidth + BarGap)) + GroupGap;

    private static void DrawBar(SvgCanvas canvas, ChartBar bar, double x, double floor, double highest)
    {
        var middle = x + (BarWidth / 2);
        var height = bar.Value / highest * PlotHeight;
        var mark = (bar.Mark ?? 0) / highest * PlotHeight;
        canvas.Bar(x, floor - height, BarWidth, height, bar.Colour);
        var above = floor - Math.Max(height, mark) - 6;
        if (bar.MarkText is not null)
        {
            canvas.Mark(x - MarkOverhang, floor - mark, x + BarWidth + MarkOverhang);
            canvas.Text(middle, above, bar.MarkText, SvgTextStyle.FaintValue);
            above -= 13;
        }

        canvas.Text(middle, above, bar.ValueText, SvgTextStyle.Value);
        canvas.Text(middle, floor + 15, bar.Foot, SvgTextStyle.FaintValue);
    }

    private void DrawAxis(SvgCanvas canvas, double left, double floor, double highest)
    {
        for (var tick = 0; tick <= Ticks; tick++)
        {
            var y = floor - (PlotHeight * tick / Ticks);
            canvas.Rule(left + AxisWidth, y, left + Width, y);
            canvas.Text(left + AxisWidth - 8, y + 4, AxisText(highest * tick / Ticks), SvgTextStyle.Axis);
        }
    }
}
