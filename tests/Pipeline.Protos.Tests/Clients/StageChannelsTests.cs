using Pipeline.Protos.Clients;

namespace Pipeline.Protos.Tests.Clients;

/// <summary>What counts as the address of a stage.</summary>
public class StageChannelsTests
{
    [Theory]
    [InlineData("localhost:5000")]
    [InlineData("127.0.0.1:1")]
    [InlineData("stage-1.example.org:65535")]
    [InlineData("stage_1:5000")]
    [InlineData("host:80")]
    [InlineData("[::1]:5000")]
    public void Address_OfHostAndPort_IsValid(string address)
    {
        Assert.True(StageChannels.IsValidAddress(address));
        StageChannels.Open(address, 0, null).Dispose();
    }

    [Theory]
    [InlineData("127.0.0.1:1", true)]
    [InlineData("127.9.9.9:1", true)]
    [InlineData("localhost:1", true)]
    [InlineData("[::1]:1", true)]
    [InlineData("[::ffff:127.0.0.1]:1", true)]
    [InlineData("0.0.0.0:1", false)]
    [InlineData("10.0.0.1:1", false)]
    [InlineData("[::]:1", false)]
    [InlineData("localhost.example.org:1", false)]
    [InlineData("host:1", false)]
    public void Loopback_IsWhatSaysSoItself(string address, bool isLoopback) => Assert.Equal(isLoopback, StageChannels.IsLoopback(address));

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData(":5000")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    [InlineData("host:+80")]
    [InlineData("host:port")]
    [InlineData("host:5000/")]
    [InlineData("host:5000/path")]
    [InlineData("host:5000?query")]
    [InlineData("host:5000#fragment")]
    [InlineData("user:password@host")]
    [InlineData("user@host:5000")]
    [InlineData("http://host:5000")]
    [InlineData("a host:5000")]
    [InlineData(" host:5000")]
    [InlineData("host:5000 ")]
    [InlineData("host1:5000,host2:5000")]
    [InlineData("[::1]")]
    [InlineData("::1")]
    [InlineData("::1:5000")]
    [InlineData("[::1:5000")]
    public void Address_OfAnythingElse_IsInvalid(string address) => Assert.False(StageChannels.IsValidAddress(address));
}
