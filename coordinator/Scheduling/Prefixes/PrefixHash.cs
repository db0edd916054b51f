using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>
/// Names the prefix that ends with a certain block: SHA-256 over the name of the prefix before it and the block's tokens.
/// So wide and so hard to forge that equal names mean equal tokens; nobody's text depends on a lucky hash.
/// </summary>
internal readonly record struct PrefixHash(UInt128 High, UInt128 Low)
{
    /// <summary>The prefix before the first block.</summary>
    public static PrefixHash Empty => default;

    /// <summary>The prefix that is one block longer.</summary>
    public PrefixHash Then(ReadOnlySpan<int> tokens)
    {
        var input = new byte[SHA256.HashSizeInBytes + (tokens.Length * sizeof(int))];
        MemoryMarshal.Write(input, this);
        MemoryMarshal.AsBytes(tokens).CopyTo(input.AsSpan(SHA256.HashSizeInBytes));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, digest);
        return MemoryMarshal.Read<PrefixHash>(digest);
    }
}
