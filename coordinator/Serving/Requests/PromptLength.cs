using System.Text;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Refuses prompts that cannot fit whatever is asked besides, those of text before any token is made of them.</summary>
internal static class PromptLength
{
    /// <summary>Tokens of so long a text would cost much time and memory, for an answer that is known before.</summary>
    public static void CheckText(ReadOnlySpan<char> text, string path, ServedModel model) => CheckText(Encoding.UTF8.GetByteCount(text), path, model);

    /// <param name="bytes">Of the text in UTF-8.</param>
    public static void CheckText(long bytes, string path, ServedModel model)
    {
        var longest = model.RequireTokenizer(path).LongestPiece;
        if (bytes > (long)model.MaxModelLength * longest)
        {
            throw ApiException.TooLong(path, $"{path} has {bytes} bytes, which are {(bytes + longest - 1) / longest} tokens or more; the model length is {model.MaxModelLength}");
        }
    }

    public static void CheckTokens(int tokens, string path, ServedModel model)
    {
        if (tokens > model.MaxModelLength)
        {
            throw ApiException.TooLong(path, $"{path} has {tokens} tokens; the model length is {model.MaxModelLength}");
        }
    }
}
