using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pipeline.Shared.Models;

/// <summary>
/// Short proof that two processes speak of the same model: a stage refuses the frames of another one. Covers every field that
/// changes what a stage computes or stores; neither the name nor the special tokens, which only the coordinator reads.
/// </summary>
public static class ModelFingerprint
{
    /// <summary>SHA-256 in lower-case hexadecimal. Two spellings of one window pattern give the same fingerprint.</summary>
    public static string Of(ModelConfig config)
    {
        var windows = Enumerable.Range(0, config.LayerCount)
            .Select(layer => config.WindowOf(layer)?.ToString(CultureInfo.InvariantCulture) ?? "full");
        var text = string.Create(CultureInfo.InvariantCulture, $"""
            hidden_size={config.HiddenSize}
            layers={config.LayerCount}
            heads={config.HeadCount}
            kv_heads={config.KvHeadCount}
            head_dim={config.HeadDim}
            intermediate_size={config.IntermediateSize}
            vocabulary_size={config.VocabularySize}
            norm_epsilon={config.NormEpsilon:R}
            rope_theta={config.RopeTheta:R}
            windows={string.Join(',', windows)}
            experts={config.Moe?.ExpertCount ?? 0}
            experts_per_token={config.Moe?.ExpertsPerToken ?? 0}
            tied_embeddings={config.TiedEmbeddings}
            max_positions={config.MaxPositions}
            weight_type={config.WeightType}
            """);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
