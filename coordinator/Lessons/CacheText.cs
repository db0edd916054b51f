using System.Text;

namespace Pipeline.Coordinator.Lessons;

/// <summary>The ring after every token, the pointer marked.</summary>
public static class CacheText
{
    public static string Render(CacheLesson lesson)
    {
        ArgumentNullException.ThrowIfNull(lesson);
        var width = lesson.Steps.Max(step => step.Token.Length);
        var text = new StringBuilder();
        text.AppendLine($"window {lesson.Window}, blocks of {lesson.BlockSize}: a ring of {lesson.RingSlots} slots; slot = position mod {lesson.RingSlots}; > is the next to be written");
        text.AppendLine();
        foreach (var step in lesson.Steps)
        {
            text.AppendLine(Line(step, width).TrimEnd());
        }

        text.AppendLine();
        text.AppendLine($"unrolled, oldest first: {string.Join(' ', lesson.Unrolled)}");
        text.AppendLine($"the last token sees the newest {lesson.Visible}: {string.Join(' ', lesson.Unrolled.TakeLast(lesson.Visible))}");
        return text.ToString();
    }

    private static string Line(CacheStep step, int width)
    {
        var slots = step.Slots.Select((token, slot) => (slot == step.Pointer ? ">" : " ") + (token ?? "-").PadRight(width));
        var news = step.Overwritten is null ? "" : $"'{step.Token}' overwrites '{step.Overwritten}'";
        return $"{step.Position,3} {step.Token.PadRight(width)}  slot {step.Slot,2}  |{string.Join("|", slots)}|  {news}";
    }
}
