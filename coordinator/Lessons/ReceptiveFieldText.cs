using System.Text;

namespace Pipeline.Coordinator.Lessons;

/// <summary>The sets layer by layer, then the exact reach.</summary>
public static class ReceptiveFieldText
{
    public static string Render(ReceptiveFieldLesson lesson)
    {
        ArgumentNullException.ThrowIfNull(lesson);
        var width = lesson.Tokens.Max(token => token.Length);
        var text = new StringBuilder();
        foreach (var layer in lesson.Layers)
        {
            text.AppendLine(layer.Layer == 0 ? "embedding" : $"layer {layer.Layer}");
            for (var position = 0; position < lesson.Tokens.Count; position++)
            {
                var sources = layer.Sources[position].Select(source => lesson.Tokens[source]);
                text.AppendLine($"  {position,3} {lesson.Tokens[position].PadRight(width)}  knows  {string.Join(' ', sources)}");
            }

            text.AppendLine();
        }

        text.AppendLine(Summary(lesson));
        return text.ToString();
    }

    private static string Summary(ReceptiveFieldLesson lesson)
    {
        var layers = lesson.Layers.Count - 1;
        var last = lesson.Tokens.Count - 1;
        var beyond = lesson.Reach <= last ? "" : $", beyond the last of these {lesson.Tokens.Count} tokens";
        return $"reach: layers * (window - 1) = {layers} * {lesson.Window - 1} = {lesson.Reach} positions, exactly: token 0 influences outputs up to position {lesson.Reach}{beyond}";
    }
}
