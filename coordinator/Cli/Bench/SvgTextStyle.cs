namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>How a piece of text looks in a picture.</summary>
/// <param name="Anchor">start, middle or end: which part of the text its position names.</param>
internal readonly record struct SvgTextStyle(double Size, string Anchor, bool IsBold, bool IsFaint)
{
    public static readonly SvgTextStyle Title = new(17, "start", IsBold: true, IsFaint: false);
    public static readonly SvgTextStyle Heading = new(13.5, "start", IsBold: true, IsFaint: false);
    public static readonly SvgTextStyle Remark = new(12, "start", IsBold: false, IsFaint: true);
    public static readonly SvgTextStyle Legend = new(12, "start", IsBold: false, IsFaint: false);
    public static readonly SvgTextStyle Axis = new(11, "end", IsBold: false, IsFaint: true);
    public static readonly SvgTextStyle Group = new(12, "middle", IsBold: true, IsFaint: false);
    public static readonly SvgTextStyle Value = new(11, "middle", IsBold: false, IsFaint: false);
    public static readonly SvgTextStyle FaintValue = new(10.5, "middle", IsBold: false, IsFaint: true);
}
