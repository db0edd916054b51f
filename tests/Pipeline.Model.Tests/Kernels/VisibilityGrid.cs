using Pipeline.Model.Caching;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.Kernels;

/// <summary>
/// Reads off attention itself which keys a query sees: queries are zero, so all visible keys weigh the same, and the value of
/// key number i is the i-th unit vector.
/// </summary>
internal static class VisibilityGrid
{
    /// <summary>One line per new token of the sequences, one character per key; 0 is visible.</summary>
    public static IReadOnlyList<string> Of(string kernels, int? window, params (int Cached, int New)[] sequences)
    {
        var keys = sequences.Sum(sequence => sequence.Cached + sequence.New);
        var config = TinyModels.Dense with { HeadCount = 2, KvHeadCount = 1, HeadDim = (keys + 15) / 16 * 16, WindowPattern = [window], LayerCount = 1 };
        var spec = CacheSpecs.For(config, blockSize: 3, maxChunk: keys, maxLength: keys, sequences.Length);
        using var set = KernelSelection.Create(kernels, config, ElementType.Float32, torch.CPU, threads: 1);
        using var cache = new PagedKvCache(config, spec, new LayerRange(0, 1), ElementType.Float32, torch.CPU);
        cache[0].Keys.fill_(Scalars.Of(double.NaN));
        cache[0].Values.fill_(Scalars.Of(double.NaN));
        var table = new SequenceTable(config, spec, new PlanEpoch(1), keys);
        var writer = new MicrobatchWriter(spec, seed: 3);
        var firstKeys = FirstKeys(sequences);
        var before = sequences.Index().Where(item => item.Item.Cached > 0).Select(item => new PlannedSlice(item.Index, new int[item.Item.Cached]));
        Attend(table.Admit(writer.Next([.. before])));
        return Attend(table.Admit(writer.Next([.. sequences.Select((sequence, s) => new PlannedSlice(s, new int[sequence.New]))])));

        IReadOnlyList<string> Attend(StepLayout layout)
        {
            if (layout.Rows == 0)
            {
                return [];
            }

            using var scope = torch.NewDisposeScope();
            var qkv = new float[layout.Rows * config.QkvSize];
            for (var row = 0; row < layout.Rows; row++)
            {
                var sequence = (int)layout.Segments[layout.SegmentOfRow[row]].Sequence.Id.Value;
                qkv[(row * config.QkvSize) + (3 * config.HeadDim) + firstKeys[sequence] + layout.Positions[row]] = 1;
            }

            var output = set.Attend(torch.tensor(qkv, [layout.Rows, config.QkvSize]), cache[0], layout, config);
            return [.. Enumerable.Range(0, layout.Rows).Select(row => Line(output[row], keys))];
        }
    }

    /// <summary>The rule, by itself.</summary>
    public static IReadOnlyList<string> Expected(int? window, params (int Cached, int New)[] sequences)
    {
        var firstKeys = FirstKeys(sequences);
        var keys = sequences.Sum(sequence => sequence.Cached + sequence.New);
        return
        [
            .. from s in Enumerable.Range(0, sequences.Length)
               from query in Enumerable.Range(sequences[s].Cached, sequences[s].New)
               select string.Concat(Enumerable.Range(0, keys).Select(column =>
               {
                   var distance = query - (column - firstKeys[s]);
                   var own = column >= firstKeys[s];
                   return own && distance >= 0 && (window is null || distance < window) ? '0' : '.';
               })),
        ];
    }

    private static int[] FirstKeys((int Cached, int New)[] sequences) =>
        [.. sequences.Select((_, s) => sequences[..s].Sum(sequence => sequence.Cached + sequence.New))];

    private static string Line(torch.Tensor row, int keys)
    {
        var weights = row.data<float>().ToArray()[..keys];
        var visible = weights.Count(weight => weight != 0);
        Assert.All(weights, weight => Assert.True(weight == 0 || Math.Abs(weight - (1f / visible)) < 1e-6, $"weight {weight} among {visible} keys"));
        return string.Concat(weights.Select(weight => weight != 0 ? '0' : '.'));
    }
}
