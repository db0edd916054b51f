using System.Globalization;
using System.Text;

namespace Pipeline.Coordinator.Lessons;

/// <summary>The choice as a table.</summary>
public static class RoutingText
{
    public static string Render(RoutingLesson lesson)
    {
        ArgumentNullException.ThrowIfNull(lesson);
        var text = new StringBuilder();
        text.AppendLine($"top {lesson.TopK} of {lesson.Experts.Count} experts, then a softmax over those {lesson.TopK} logits");
        text.AppendLine();
        text.AppendLine("expert     logit  rank  weight");
        foreach (var expert in lesson.Experts)
        {
            text.AppendLine($"{expert.Expert,6}  {Number(expert.Logit),8}  {expert.Rank?.ToString(CultureInfo.InvariantCulture) ?? "-",4}  {(expert.Weight is { } weight ? Number(weight) : "-"),6}");
        }

        text.AppendLine();
        text.AppendLine($"weights sum to {Number(lesson.WeightSum)}; a softmax over all experts, not renormalised, would give {Number(lesson.SumWithoutRenormalising)}");
        return text.ToString();
    }

    private static string Number(float value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
