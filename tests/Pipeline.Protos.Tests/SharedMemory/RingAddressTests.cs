using Pipeline.Protos.SharedMemory;

namespace Pipeline.Protos.Tests.SharedMemory;

/// <summary>What is not the announced ring is never mapped, and the reason is said.</summary>
[Collection("rings")] // one counts what the process holds
public class RingAddressTests
{
    [Fact]
    public void Probe_LiveRing_IsUsable()
    {
        using var writer = RingWriter.CreateForTokens();
        Assert.Equal("", RingReader.Probe(writer.Address));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b/c")]
    [InlineData("host/-1/5/100/00000000000000000000000000000000")]
    [InlineData("host/1/5/1e9/00000000000000000000000000000000")]
    [InlineData("host/1/5/100/nonce")]
    [InlineData("host/1/5/100/00000000000000000000000000000000/more")]
    public void Probe_NoAddress_SaysSo(string text) => Assert.Equal($"'{text}' is no address of a ring", RingReader.Probe(text));

    [Theory]
    [InlineData(0, "another", "the two processes are on different hosts")]
    [InlineData(1, "999999999", "process 999999999 is not visible from here (another container?)")]
    [InlineData(2, "0", "is not visible from here")]
    [InlineData(3, "4096", "4096 were announced")]
    [InlineData(4, "0123456789abcdef0123456789abcdef", "is not the one that was announced")]
    public void Probe_AnotherRing_IsRefusedWithTheReason(int part, string value, string reason)
    {
        using var writer = RingWriter.CreateForTokens();
        var parts = writer.Address.Split('/');
        parts[part] = value;
        Assert.Contains(reason, RingReader.Probe(string.Join('/', parts)), StringComparison.Ordinal);
    }

    [Fact]
    public void Probe_RingThatIsGone_IsRefused()
    {
        string address;
        using (var writer = RingWriter.CreateForTokens())
        {
            address = writer.Address;
        }

        Assert.NotEqual("", RingReader.Probe(address));
    }

    [Fact]
    public void Rings_Disposed_LeaveNoDescriptorAndNoMapping()
    {
        var before = Held();
        for (var i = 0; i < 20; i++)
        {
            using var writer = RingWriter.Create(100, 64, Pipeline.Shared.Models.ElementType.Float32);
            using var reader = RingReader.Open(writer.Address);
        }

        Assert.Equal(before, Held());
    }

    private static (int Descriptors, int Mappings) Held()
    {
        var self = $"/proc/{Environment.ProcessId}";
        var descriptors = Directory.GetFiles($"{self}/fd").Count(path => new FileInfo(path).LinkTarget?.Contains("pipeline-ring", StringComparison.Ordinal) == true);
        return (descriptors, File.ReadLines($"{self}/maps").Count(line => line.Contains("pipeline-ring", StringComparison.Ordinal)));
    }
}
