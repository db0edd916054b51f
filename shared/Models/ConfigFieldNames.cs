namespace Pipeline.Shared.Models;

/// <summary>What the two file formats call the fields that they have in common.</summary>
internal sealed record ConfigFieldNames(
    string HiddenSize,
    string LayerCount,
    string HeadCount,
    string KvHeadCount,
    string IntermediateSize,
    string NormEpsilon,
    string ExpertCount,
    string TiedEmbeddings)
{
    public const string VocabularySize = "vocab_size";
    public const string HeadDim = "head_dim";
    public const string RopeTheta = "rope_theta";
    public const string SlidingWindow = "sliding_window";
    public const string ExpertsPerToken = "num_experts_per_tok";

    public static readonly ConfigFieldNames HuggingFace = new(
        "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size",
        "rms_norm_eps", "num_local_experts", "tie_word_embeddings");

    public static readonly ConfigFieldNames Mistral = new(
        "dim", "n_layers", "n_heads", "n_kv_heads", "hidden_dim", "norm_eps", "num_experts", "tied_embeddings");
}
