using Pipeline.Coordinator.Cli.Rendering;

namespace Pipeline.Coordinator.Tests.Cli.Rendering;

public class ByteSizeTests
{
    [Theory]
    [InlineData("80GiB", 85_899_345_920)]
    [InlineData("80 GiB", 85_899_345_920)]
    [InlineData("80gib", 85_899_345_920)]
    [InlineData("80G", 85_899_345_920)]
    [InlineData("24GB", 24_000_000_000)]
    [InlineData("1.5MiB", 1_572_864)]
    [InlineData("1048576", 1_048_576)]
    [InlineData("0", 0)]
    [InlineData("7B", 7)]
    public void TryParse_Sizes_AreRead(string text, long expected)
    {
        Assert.True(ByteSize.TryParse(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1GiB")]
    [InlineData("80XB")]
    [InlineData("8,0GiB")]
    [InlineData("1.2.3")]
    [InlineData("99999999TiB")]
    public void TryParse_Nonsense_IsRefused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(512, "512 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(436_224_000, "416 MiB")]
    [InlineData(93_405_585_408, "87.0 GiB")]
    [InlineData(85_899_345_920, "80 GiB")]
    [InlineData(-3_873_536, "-3.7 MiB")]
    [InlineData(long.MaxValue, "8192 PiB")]
    public void Format_Bytes_AreShort(long bytes, string expected) => Assert.Equal(expected, ByteSize.Format(bytes));
}
