namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Cosines and sines of the rotary position embedding by position: [position, cos(headDim / 2) then sin(headDim / 2)]. The angle
/// position * theta^(-2i / headDim) is computed in double precision and rounded once, so far positions stay exact.
/// </summary>
/// <remarks>Grows by doubling: 64 MB at 131,072 positions of a 128-wide head. One thread at a time may call it.</remarks>
public sealed unsafe class RotaryTable : IDisposable
{
    private const int FirstLength = 256;

    private readonly double[] _frequencies;
    private NativeBuffer _rows = new();
    private int _length;

    public RotaryTable(int headDim, double theta)
    {
        if (headDim < 2 || headDim % 2 != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(headDim), headDim, "rotary embedding turns pairs: the head width must be even");
        }

        HeadDim = headDim;
        _frequencies = [.. Enumerable.Range(0, headDim / 2).Select(i => Math.Pow(theta, -2.0 * i / headDim))];
    }

    public int HeadDim { get; }

    /// <summary>Row of position 0; as many rows as the largest position passed to <see cref="Cover"/> needs.</summary>
    public float* Rows => _rows.Pointer;

    /// <summary>Makes sure that the positions up to and with <paramref name="position"/> are in the table.</summary>
    public void Cover(int position)
    {
        if (position < _length)
        {
            return;
        }

        var wanted = Math.Max(FirstLength, _length);
        while (wanted <= position)
        {
            wanted = checked(wanted * 2);
        }

        Grow(wanted);
    }

    public void Dispose() => _rows.Dispose();

    private void Grow(int wanted)
    {
        var larger = new NativeBuffer();
        larger.Reserve((long)wanted * HeadDim);
        Buffer.MemoryCopy(_rows.Pointer, larger.Pointer, larger.Length * sizeof(float), (long)_length * HeadDim * sizeof(float));
        for (var position = _length; position < wanted; position++)
        {
            Fill(position, larger.Pointer + ((nint)position * HeadDim));
        }

        _rows.Dispose();
        _rows = larger;
        _length = wanted;
    }

    private void Fill(int position, float* row)
    {
        for (var i = 0; i < _frequencies.Length; i++)
        {
            var (sin, cos) = Math.SinCos(position * _frequencies[i]);
            row[i] = (float)cos;
            row[_frequencies.Length + i] = (float)sin;
        }
    }
}
