using System.Security.Cryptography;
using System.Text;

namespace Pipeline.Coordinator.Serving.Admission;

/// <summary>The keys that clients may show. How long a check takes tells nothing about any of them.</summary>
internal sealed class ApiKeys(IEnumerable<string> keys)
{
    // Hashes have one length, so comparing them does not even tell how long a key is.
    private readonly byte[][] _hashes = [.. keys.Select(Hash)];

    /// <summary>Without keys everybody is welcome.</summary>
    public bool AreRequired => _hashes.Length > 0;

    /// <summary>Number of the key that was shown; null if it is none of them.</summary>
    public int? Find(string key)
    {
        var shown = Hash(key);
        int? found = null;
        for (var index = 0; index < _hashes.Length; index++)
        {
            // All are compared, whichever it is.
            if (CryptographicOperations.FixedTimeEquals(shown, _hashes[index]))
            {
                found ??= index;
            }
        }

        return found;
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
