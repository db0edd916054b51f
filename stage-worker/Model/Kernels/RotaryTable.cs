namespace Pipeline.Model.Kernels;

/// <summary>
/// Cosines and sines of the rotary position embedding: angle = position * theta^(-2i / head dim), computed in double precision
/// and rounded once. Half convention: component i turns with component i + head dim / 2.
/// </summary>
public sealed class RotaryTable
{
    private readonly double[] _frequencies;

    public RotaryTable(int headDim, double theta)
    {
        _frequencies = new double[headDim / 2];
        for (var i = 0; i < _frequencies.Length; i++)
        {
            _frequencies[i] = Math.Pow(theta, -2.0 * i / headDim);
        }
    }

    /// <summary>Rows of the table for some positions, each <c>[positions, head dim / 2]</c> flattened.</summary>
    public (float[] Cosine, float[] Sine) Rows(int[] positions)
    {
        var cosine = new float[positions.Length * _frequencies.Length];
        var sine = new float[cosine.Length];
        var at = 0;
        foreach (var position in positions)
        {
            foreach (var frequency in _frequencies)
            {
                var (sin, cos) = Math.SinCos(position * frequency);
                cosine[at] = (float)cos;
                sine[at++] = (float)sin;
            }
        }

        return (cosine, sine);
    }
}
