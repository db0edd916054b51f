using System.Text;

namespace Pipeline.Coordinator.Lessons;

/// <summary>The mask as a grid of characters.</summary>
public static class MaskText
{
    public static string Render(MaskLesson lesson)
    {
        ArgumentNullException.ThrowIfNull(lesson);
        var text = new StringBuilder();
        text.AppendLine(lesson.Window is { } window ? $"window {window}: a token sees itself and {window - 1} before it" : "no window: a token sees itself and all before it");
        text.AppendLine(lesson.RingSlots is { } slots ? $"one column per slot of the sequences' rings of {slots}; 0 visible, . hidden" : "one column per key, cached and new; 0 visible, . hidden");
        text.AppendLine();
        text.AppendLine("seq  pos  sees  keys");
        foreach (var row in lesson.Rows)
        {
            text.AppendLine($"{row.Sequence,3}  {row.Position,3}  {row.Visible,4}  {row.Keys}");
        }

        return text.ToString();
    }
}
