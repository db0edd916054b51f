using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class LoadTargetTests
{
    [Theory]
    [InlineData("http://host", "/v1/models", "http://host/v1/models")]
    [InlineData("http://host/v1", "/v1/models", "http://host/v1/models")]
    [InlineData("http://host/v1/", "/v1/models", "http://host/v1/models")]
    [InlineData("http://host/proxy/v1", "/v1/completions", "http://host/proxy/v1/completions")]
    [InlineData("http://host/v1", "/completions", "http://host/v1/completions")]
    public void Under_AVersionInBothParts_CountsOnce(string baseAddress, string path, string expected) =>
        Assert.Equal(new Uri(expected), LoadTarget.Under(new Uri(baseAddress), path));
}
