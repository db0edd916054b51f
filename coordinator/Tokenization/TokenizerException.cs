namespace Pipeline.Coordinator.Tokenization;

/// <summary>A tokenizer file is missing, damaged or of a kind not supported. The message names the file and the problem.</summary>
public sealed class TokenizerException : Exception
{
    public TokenizerException(string message)
        : base(message)
    {
    }

    public TokenizerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
