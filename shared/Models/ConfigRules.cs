using System.Globalization;

namespace Pipeline.Shared.Models;

/// <summary>Reads and checks what both file formats have in common; errors speak the file's own vocabulary.</summary>
internal sealed class ConfigRules(ConfigFields fields, ConfigFieldNames names, List<string> notes)
{
    /// <summary>Head width; where it is not given, the hidden size is divided evenly among the heads.</summary>
    public int HeadDim()
    {
        if (fields.OptionalPositive(ConfigFieldNames.HeadDim, ConfigLimits.HeadDim) is { } stated)
        {
            return stated % 2 == 0
                ? stated
                : throw fields.Error(ConfigFieldNames.HeadDim, $"is {stated}; rotary embedding needs an even number");
        }

        var (hidden, heads) = (fields.Positive(names.HiddenSize, ConfigLimits.HiddenSize), fields.Positive(names.HeadCount, ConfigLimits.Heads));
        return hidden % (2 * heads) == 0 && hidden / heads <= ConfigLimits.HeadDim
            ? hidden / heads
            : throw fields.Error(
                ConfigFieldNames.HeadDim,
                $"is missing and cannot be derived: {names.HiddenSize} {hidden} / {names.HeadCount} {heads} is not an even whole number up to {ConfigLimits.HeadDim}");
    }

    /// <summary>
    /// The released files without a theta mean 1e4 if they have a window and 1e6 if not; other readers' single default is
    /// wrong for one of them.
    /// </summary>
    public double RopeTheta(double? stated, IReadOnlyList<int?> windows)
    {
        if (stated is { } theta)
        {
            return theta;
        }

        var hasWindow = windows.Any(window => window is not null);
        var chosen = hasWindow ? 1e4 : 1e6;
        notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"{ConfigFieldNames.RopeTheta} is absent: {chosen} is used, because the model has {(hasWindow ? "a" : "no")} sliding window"));
        return chosen;
    }

    /// <summary>Checks what several fields say together, and hands the config back.</summary>
    public ModelConfig Checked(ModelConfig config)
    {
        if (config.HeadCount % config.KvHeadCount != 0)
        {
            throw fields.Error(
                names.HeadCount, $"is {config.HeadCount}; it must be a multiple of {names.KvHeadCount}, which is {config.KvHeadCount}");
        }

        if (config.NormEpsilon >= 1)
        {
            throw fields.Error(names.NormEpsilon, $"is {config.NormEpsilon}; it must be a small number below 1, for instance 1e-5");
        }

        if (config.EosTokenIds.Append(config.BosTokenId).Max() >= config.VocabularySize)
        {
            throw fields.Error(
                ConfigFieldNames.VocabularySize,
                $"is {config.VocabularySize}, but the special tokens reach {config.EosTokenIds.Append(config.BosTokenId).Max()}");
        }

        return config;
    }

    public static MoeConfig Moe(ConfigFields fields, ConfigFieldNames names)
    {
        var moe = new MoeConfig(fields.Positive(names.ExpertCount, ConfigLimits.Experts), fields.Positive(ConfigFieldNames.ExpertsPerToken, ConfigLimits.Experts));
        return moe.ExpertsPerToken <= moe.ExpertCount
            ? moe
            : throw fields.Error(
                ConfigFieldNames.ExpertsPerToken,
                $"is {moe.ExpertsPerToken}; there are only {moe.ExpertCount} experts ({names.ExpertCount})");
    }
}
