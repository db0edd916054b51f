using System.Globalization;

namespace Pipeline.Coordinator.Verification;

/// <summary>
/// How far logits may lie from the expected ones. Of every single one, for element types in which nothing but the order of sums
/// differs. Or of the typical position, for rounded ones: there each logit errs by its share, and a position at which a router's
/// close call falls to another expert is far off without anything being wrong.
/// </summary>
/// <param name="Value">The largest difference that passes, or the largest share: the median over the positions of |difference| / |expected| (Euclidean norms).</param>
public readonly record struct Tolerance(float Value, bool IsTypical)
{
    /// <summary>The same bits.</summary>
    public static Tolerance None { get; } = OfEveryLogit(0);

    public static Tolerance OfEveryLogit(float value) => new(value, IsTypical: false);

    /// <param name="share">0.03 for 3 percent.</param>
    public static Tolerance OfTheTypicalPosition(float share) => new(share, IsTypical: true);

    /// <summary>0.001, or 3% for the typical position.</summary>
    public static Tolerance? Parse(string text)
    {
        var isTypical = text.EndsWith('%');
        return float.TryParse(isTypical ? text[..^1] : text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= 0 && float.IsFinite(value)
            ? isTypical ? OfTheTypicalPosition(value / 100) : OfEveryLogit(value)
            : null;
    }

    /// <summary>A NaN never is.</summary>
    public bool Allows(LogitDifference largest) => IsTypical ? !float.IsNaN(largest.Magnitude) : largest.Magnitude <= Value;

    /// <summary>Whether either of two tokens may be drawn, of which one's logit lies so far below the other's. Which of them is no matter of the typical position.</summary>
    public bool Excuses(float shortfall) => IsTypical || shortfall <= 2 * Value;

    /// <summary>A NaN never is.</summary>
    public bool AllowsTypically(float share) => !IsTypical || share <= Value;
}
