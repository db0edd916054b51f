using Pipeline.Model.CudaKernels;

namespace Pipeline.Model.Tests.CudaKernels;

public class StepSectionsTests
{
    [Fact]
    public void Sections_AnyCounts_LieApartAndAligned()
    {
        var sections = new StepSections(rows: 5, segments: 3, decodeRows: 2, tiles: 1, choices: 3, tableWords: [7, 9]);
        (int At, int Words)[] all =
        [
            (sections.Tokens, 5), (sections.Positions, 5), (sections.Segments, 5), (sections.DecodeRows, 2), (sections.Tiles, 4), (sections.Choices, 48),
            (sections.Slots[0], 5), (sections.TableOffsets[0], 3), (sections.Tables[0], 7), (sections.Slots[1], 5), (sections.TableOffsets[1], 3), (sections.Tables[1], 9),
        ];
        Assert.All(all, section => Assert.Equal(0, section.At % 4));
        Assert.All(all.Zip(all.Skip(1)), pair => Assert.True(pair.First.At + pair.First.Words <= pair.Second.At));
        Assert.True(all[^1].At + all[^1].Words <= sections.Words);
    }

    [Fact]
    public void Attention_Counts_FollowFromTheKeys()
    {
        Assert.Equal(9 + 1, CudaAttention.MostChunks(1100));
        Assert.Equal(96 * 1024, PrefillKernel.SharedBytes(128));
        Assert.Equal((161 * 1024) + 72, PrefillKernel.HopperSharedBytes(128));
        Assert.Equal((49, 3, 1), (CudaAttention.BlocksPerRow(49, 4, 264), CudaAttention.BlocksPerRow(49, 128, 264), CudaAttention.BlocksPerRow(49, 512, 264)));
    }

    [Theory]
    [InlineData(396, "attend_decode_3_blocks")]
    [InlineData(512, "attend_decode_4_blocks")]
    public void Attention_Grid_DecidesTheKernel(int blocks, string kernel) => Assert.Equal(kernel, CudaAttention.KernelFor(blocks, 132));

    [Theory]
    [InlineData(256, "linear_2_blocks")]
    [InlineData(384, "linear_3_blocks")]
    [InlineData(1792, "linear_2_blocks")]
    public void Linear_Grid_DecidesTheKernel(int blocks, string kernel) => Assert.Equal(kernel, CudaLinear.KernelFor(blocks, 132));

    [Theory]
    [InlineData(1, 8, 1)]
    [InlineData(9, 16, 2)]
    [InlineData(64, 32, 2)]
    public void Linear_Variant_IsWideEnoughOrTheWidest(int batch, int width, int tiles) => Assert.Equal((width, tiles), CudaLinear.VariantFor(batch));
}
