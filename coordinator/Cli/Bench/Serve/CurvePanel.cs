using System.Globalization;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>One curve on its own axes, from zero on.</summary>
internal sealed record CurvePanel(string Heading, string Foot, IReadOnlyList<(double X, double Y)> Points, string Colour)
{
    public const double Height = 214;
    public const double Width = 680;
    private const int Ticks = 4;
    private const double AxisWidth = 64;
    private const double HeadHeight = 30;
    private const double PlotHeight = 132;

    public void Draw(SvgCanvas canvas, double left, double top)
    {
        var (origin, floor, across) = (left + AxisWidth, top + HeadHeight + PlotHeight, Width - AxisWidth);
        var (widest, highest) = (AxisScale.RoundUp(Points.Max(point => point.X), Ticks), AxisScale.RoundUp(Points.Max(point => point.Y), Ticks));
        canvas.Text(left, top + 14, Heading, SvgTextStyle.Heading);
        for (var tick = 0; tick <= Ticks; tick++)
        {
            var (x, y) = (origin + (across * tick / Ticks), floor - (PlotHeight * tick / Ticks));
            canvas.Rule(origin, y, origin + across, y);
            canvas.Text(origin - 8, y + 4, Text(highest * tick / Ticks), SvgTextStyle.Axis);
            canvas.Text(x, floor + 16, Text(widest * tick / Ticks), tick == Ticks ? SvgTextStyle.Axis : SvgTextStyle.FaintValue);
        }

        canvas.Text(origin + (across / 2), floor + 32, Foot, SvgTextStyle.FaintValue);
        canvas.Curve(Points.Select(point => (origin + (across * point.X / widest), floor - (PlotHeight * point.Y / highest))), Colour);
    }

    private static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
