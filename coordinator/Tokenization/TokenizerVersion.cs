namespace Pipeline.Coordinator.Tokenization;

/// <summary>Generations of Mistral's SentencePiece vocabularies. They differ in control pieces, not in how text is split.</summary>
public enum TokenizerVersion
{
    /// <summary>No control pieces beside BOS and EOS: Mistral 7B v0.1 and v0.2, Mixtral 8x7B.</summary>
    V1 = 1,

    /// <summary>With <c>[INST]</c> and the tool pieces: Mistral 7B v0.3.</summary>
    V2 = 2,

    /// <summary>With <c>[REFERENCE_DOC_n]</c>, which also match inside text: Mixtral 8x22B.</summary>
    V3 = 3,

    /// <summary>With <c>[SYSTEM_PROMPT]</c>.</summary>
    V7 = 7,
}
