namespace Pipeline.StageWorker.Tests.HostileBytes;

/// <summary>Bytes that nobody meant: out of thin air, or real ones spoiled. The same for the same seed.</summary>
internal sealed class Mutations(int seed)
{
    private static readonly byte[] Telling = [0x00, 0x01, 0x7F, 0x80, 0xFF];

    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);

    public byte[] Random(int most)
    {
        var bytes = new byte[_random.Next(most + 1)];
        _random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>One to four changes of a real message: bytes turned, cut off, put in, repeated; numbers made large.</summary>
    public byte[] Of(byte[] real)
    {
        var bytes = real.ToList();
        for (var changes = _random.Next(1, 5); changes > 0; changes--)
        {
            Change(bytes);
        }

        return [.. bytes];
    }

    private void Change(List<byte> bytes)
    {
        var at = _random.Next(bytes.Count + 1);
        switch (_random.Next(7))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = Telling[_random.Next(Telling.Length)];
                break;
            case 2:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 3:
                bytes.InsertRange(at, Random(16));
                break;
            case 4 when at < bytes.Count:
                // The largest number that protobuf can write, in the place of whatever is there.
                bytes.RemoveAt(at);
                bytes.InsertRange(at, [0xFF, 0xFF, 0xFF, 0xFF, 0x07]);
                break;
            case 5:
                bytes.InsertRange(at, bytes.Take(_random.Next(64)).ToList());
                break;
            default:
                bytes.RemoveRange(at, Math.Min(_random.Next(8), bytes.Count - at));
                break;
        }
    }
}
