using Pipeline.Shared.Models;

namespace Pipeline.Shared.Tests.Models;

public class ModelFingerprintTests
{
    private static readonly ModelConfig Base = KnownModels.TryGet("ministral-8b", out var config) ? config : null!;

    private static readonly ModelConfig[] Variants =
    [
        Base,
        Base with { HiddenSize = 4097 },
        Base with { LayerCount = 40 },
        Base with { HeadCount = 64 },
        Base with { KvHeadCount = 4 },
        Base with { HeadDim = 64 },
        Base with { IntermediateSize = 1 },
        Base with { VocabularySize = 1 },
        Base with { NormEpsilon = 1e-6 },
        Base with { RopeTheta = 1e6 },
        Base with { WindowPattern = [null] },
        Base with { WindowPattern = [32768, null, 32768, 32768] },
        Base with { Moe = new MoeConfig(8, 2) },
        Base with { Moe = new MoeConfig(8, 3) },
        Base with { TiedEmbeddings = true },
        Base with { MaxPositions = 1 },
        Base with { WeightType = ElementType.Float16 },
    ];

    [Fact]
    public void Of_AnyComputedField_ChangesIt() =>
        Assert.Equal(Variants.Length, Variants.Select(ModelFingerprint.Of).Distinct().Count());

    [Fact]
    public void Of_NameSpecialTokensAndSpelling_DoNotChangeIt()
    {
        var same = Base with
        {
            Name = "another",
            EosTokenIds = [1, 2, 3],
            BosTokenId = 7,
            WindowPattern = [.. Base.WindowPattern, .. Base.WindowPattern],
        };
        Assert.Equal(ModelFingerprint.Of(Base), ModelFingerprint.Of(same));
    }

    [Fact]
    public void Of_KnownModel_IsTheSameInEveryProcessAndVersion() =>
        Assert.Equal("a1c347b96694c9a6e02eaa71675873d47599aa3d99a6392474e62b239d9437a7", ModelFingerprint.Of(Base));
}
