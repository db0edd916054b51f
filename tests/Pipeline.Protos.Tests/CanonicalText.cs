using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pipeline.Protos.Tests;

/// <summary>Records as text, every public property included and order kept: equal texts are equal values, also below arrays and lists.</summary>
internal static class CanonicalText
{
    private static readonly JsonSerializerOptions Options = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static string Of<T>(T value) => JsonSerializer.Serialize(value, Options);
}
