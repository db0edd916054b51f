namespace Pipeline.Coordinator.Tokenization;

/// <summary>How a conversation is laid out for a model. Versions are those of Mistral's instruct tokenizers.</summary>
public enum ChatFormat
{
    /// <summary><c>[INST] … [/INST]</c> as ordinary text: Mistral 7B v0.1 and v0.2, Mixtral 8x7B.</summary>
    V1,

    /// <summary><c>[INST]</c> and <c>[/INST]</c> as control ids: Mistral 7B v0.3.</summary>
    V2,

    /// <summary>Differs from <see cref="V2"/> in tools only, so not at all in text: Mixtral 8x22B.</summary>
    V3,

    /// <summary>Each message under its role in capitals, one text in all: the tiny model of this repository.</summary>
    Roles,
}
