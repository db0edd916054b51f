using Pipeline.Shared.Models;

namespace Pipeline.TestKit.Oracle;

/// <summary>
/// The decoder once more, as the papers write it: float64, one sequence, full attention under a dense mask, a loop over all
/// experts. No cache, no packing, no shards, and nothing in common with the product's code.
/// </summary>
public sealed class OracleModel(RandomWeights weights)
{
    private readonly ModelConfig _config = weights.Config;
    private double _routerGap;

    public OracleRun Run(IReadOnlyList<int> tokens)
    {
        _routerGap = double.PositiveInfinity;
        var embedding = Model(TensorKind.Embedding);
        var x = tokens.Select(token => RowOf(embedding, token, _config.HiddenSize)).ToArray();
        var keys = new double[_config.LayerCount][][];
        var values = new double[_config.LayerCount][][];
        for (var layer = 0; layer < _config.LayerCount; layer++)
        {
            var normed = Normalize(x, Layer(TensorKind.AttentionNorm, layer));
            keys[layer] = Rotate(Project(normed, Layer(TensorKind.KeyProjection, layer)));
            values[layer] = Project(normed, Layer(TensorKind.ValueProjection, layer));
            var queries = Rotate(Project(normed, Layer(TensorKind.QueryProjection, layer)));
            var attended = Attend(queries, keys[layer], values[layer], _config.WindowPattern[layer % _config.WindowPattern.Count]);
            x = Add(x, Project(attended, Layer(TensorKind.OutputProjection, layer)));
            var current = layer;
            x = Add(x, [.. Normalize(x, Layer(TensorKind.FeedForwardNorm, layer)).Select(row => FeedForward(row, current))]);
        }

        var logits = Project(Normalize(x, Model(TensorKind.FinalNorm)), Model(TensorKind.Head));
        return new OracleRun(logits, keys, values, _routerGap);
    }

    /// <summary>One token through its experts, or through the one feed-forward block.</summary>
    public double[] FeedForward(double[] row, int layer)
    {
        if (_config.Moe is not { } moe)
        {
            return Expert(row, layer, TensorSlot.None);
        }

        var logits = Multiply(Layer(TensorKind.Router, layer), row);
        var ranked = logits.OrderDescending().ToArray();
        var threshold = ranked[moe.ExpertsPerToken - 1];
        if (moe.ExpertsPerToken < ranked.Length)
        {
            _routerGap = Math.Min(_routerGap, threshold - ranked[moe.ExpertsPerToken]);
        }

        // Softmax over all experts, then the chosen ones renormalised: the same shares by another way.
        var total = logits.Where(logit => logit >= threshold).Sum(Math.Exp);
        var sum = new double[row.Length];
        for (var expert = 0; expert < logits.Length; expert++)
        {
            var share = logits[expert] >= threshold ? Math.Exp(logits[expert]) / total : 0;
            var result = Expert(row, layer, expert);
            sum = [.. sum.Zip(result, (a, b) => a + (share * b))];
        }

        return sum;
    }

    private double[] Expert(double[] row, int layer, int expert)
    {
        var gate = Multiply(weights[new TensorSlot(TensorKind.GateProjection, layer, expert)], row);
        var up = Multiply(weights[new TensorSlot(TensorKind.UpProjection, layer, expert)], row);
        var inner = gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u).ToArray();
        return Multiply(weights[new TensorSlot(TensorKind.DownProjection, layer, expert)], inner);
    }

    private double[][] Attend(double[][] queries, double[][] keys, double[][] values, int? window)
    {
        var size = _config.HeadDim;
        var group = _config.HeadCount / _config.KvHeadCount;
        var output = new double[queries.Length][];
        for (var p = 0; p < queries.Length; p++)
        {
            output[p] = new double[_config.HeadCount * size];
            for (var head = 0; head < _config.HeadCount; head++)
            {
                var (q, kv) = (head * size, head / group * size);
                var shares = new double[keys.Length];
                for (var k = 0; k < keys.Length; k++)
                {
                    var visible = p - k >= 0 && (window is null || p - k < window);
                    shares[k] = visible ? Math.Exp(Dot(queries[p], q, keys[k], kv, size) / Math.Sqrt(size)) : 0;
                }

                var total = shares.Sum();
                for (var k = 0; k < keys.Length; k++)
                {
                    for (var i = 0; i < size; i++)
                    {
                        output[p][q + i] += shares[k] / total * values[k][kv + i];
                    }
                }
            }
        }

        return output;
    }

    /// <summary>Row p of every head turns by p * theta^(-2i / head dim): component i together with component i + head dim / 2.</summary>
    private double[][] Rotate(double[][] rows)
    {
        var (size, half) = (_config.HeadDim, _config.HeadDim / 2);
        for (var p = 0; p < rows.Length; p++)
        {
            for (var at = 0; at < rows[p].Length; at += size)
            {
                for (var i = 0; i < half; i++)
                {
                    var angle = p / Math.Pow(_config.RopeTheta, (double)i / half);
                    var (a, b) = (rows[p][at + i], rows[p][at + i + half]);
                    rows[p][at + i] = (a * Math.Cos(angle)) - (b * Math.Sin(angle));
                    rows[p][at + i + half] = (a * Math.Sin(angle)) + (b * Math.Cos(angle));
                }
            }
        }

        return rows;
    }

    private double[][] Normalize(double[][] rows, float[] weight) =>
        [.. rows.Select(row =>
        {
            var scale = 1 / Math.Sqrt(row.Average(value => value * value) + _config.NormEpsilon);
            return row.Select((value, i) => value * scale * weight[i]).ToArray();
        })];

    private float[] Model(TensorKind kind) => weights[TensorSlot.OfModel(kind)];

    private float[] Layer(TensorKind kind, int layer) => weights[TensorSlot.OfLayer(kind, layer)];

    private static double[][] Project(double[][] rows, float[] matrix) => [.. rows.Select(row => Multiply(matrix, row))];

    private static double[] Multiply(float[] matrix, double[] vector)
    {
        var result = new double[matrix.Length / vector.Length];
        for (var row = 0; row < result.Length; row++)
        {
            for (var i = 0; i < vector.Length; i++)
            {
                result[row] += matrix[(row * vector.Length) + i] * vector[i];
            }
        }

        return result;
    }

    private static double[] RowOf(float[] matrix, int row, int width) => [.. matrix.Skip(row * width).Take(width)];

    private static double[][] Add(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (u, v) => u + v).ToArray())];

    private static double Dot(double[] a, int startA, double[] b, int startB, int count)
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++)
        {
            sum += a[startA + i] * b[startB + i];
        }

        return sum;
    }
}
