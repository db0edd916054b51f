using System.Runtime.InteropServices;

namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>The names of a sequence's full blocks, each computed once, when it is first asked for.</summary>
/// <param name="tokens">The sequence's own list: it grows, but what is in it does not change.</param>
internal sealed class PrefixChain(List<int> tokens, int blockSize)
{
    private readonly List<PrefixHash> _names = [];

    /// <summary>The prefix that ends with this block, which must be full.</summary>
    public PrefixHash this[int block]
    {
        get
        {
            while (_names.Count <= block)
            {
                var before = _names.Count == 0 ? PrefixHash.Empty : _names[^1];
                _names.Add(before.Then(CollectionsMarshal.AsSpan(tokens).Slice(_names.Count * blockSize, blockSize)));
            }

            return _names[block];
        }
    }
}
