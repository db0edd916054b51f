using System.Buffers;

namespace Pipeline.Protos.Tests.Framing;

/// <summary>A rented buffer that knows how often it was given back.</summary>
internal sealed class CountedOwner(byte[] bytes) : IMemoryOwner<byte>
{
    public int Disposals { get; private set; }

    public Memory<byte> Memory { get; } = bytes;

    public void Dispose() => Disposals++;
}
