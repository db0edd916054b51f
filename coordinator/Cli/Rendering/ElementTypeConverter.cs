using System.Text.Json;
using System.Text.Json.Serialization;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli.Rendering;

/// <summary>Element types in JSON under the names that --dtype takes.</summary>
internal sealed class ElementTypeConverter : JsonConverter<ElementType>
{
    public override ElementType Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ElementTypeNames.Words.TryGetValue(reader.GetString() ?? "", out var type) ? type : throw new JsonException("unknown element type");

    public override void Write(Utf8JsonWriter writer, ElementType value, JsonSerializerOptions options) => writer.WriteStringValue(value.ShortName());
}
