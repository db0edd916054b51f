using System.Text.Json;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Reads token ids, which must be of the model's vocabulary.</summary>
internal static class TokenIds
{
    public static int[] Read(IEnumerable<JsonElement> list, string path, ModelConfig model) =>
        [.. list.Select((item, index) => RequestFields.WholeNumber(item) is { } id && id >= 0 && id < model.VocabularySize ? (int)id : throw RequestFields.Wrong($"{path}[{index}]", item, Wanted(model)))];

    /// <summary>A token id that is the name of a JSON field.</summary>
    public static int Parse(string text, string path, ModelConfig model) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var id) && id < model.VocabularySize
            ? id
            : throw ApiException.Invalid(path, $"{path} has the key \"{text}\"; {Wanted(model)} is wanted");

    private static string Wanted(ModelConfig model) => $"a token id from 0 to {model.VocabularySize - 1}";
}
