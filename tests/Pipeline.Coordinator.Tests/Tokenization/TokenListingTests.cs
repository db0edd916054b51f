using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Tests.Tokenization;

public class TokenListingTests
{
    [Fact]
    public void Of_TextWithBytes_ListsIdsAndPieces()
    {
        var listing = TokenListing.Of(Tokenizers.V1, "Hello, world!\n");

        Assert.Equal("Hello, world!\n", listing.Text);
        Assert.Equal([new(22557, "▁Hello"), new(28725, ","), new(1526, "▁world"), new(28808, "!"), new(13, "<0x0A>")], listing.Tokens);
    }
}
