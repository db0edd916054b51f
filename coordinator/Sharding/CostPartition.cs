namespace Pipeline.Coordinator.Sharding;

/// <summary>
/// The cut whose slowest stage is fastest: a pipeline runs at the pace of that stage. Cost is weight bytes read per token,
/// embedding and head included. Among equally fast cuts the most even one wins (least sum of squares), then the one with
/// more layers in front. Exact, by dynamic programming over contiguous ranges.
/// </summary>
public sealed class CostPartition : IPartitionPolicy
{
    public IReadOnlyList<int> Partition(LayerCosts costs, int stageCount)
    {
        ArgumentNullException.ThrowIfNull(costs);
        var ranges = new StageTimes(costs, stageCount);
        var slowest = Solve(ranges, (rest, time) => Int128.Max(rest, time));
        var limit = slowest.Best[0, 0];
        return Solve(ranges, (rest, time) => time > limit ? Int128.MaxValue : AddSaturating(rest, time * time)).Counts();
    }

    /// <summary>Fills a table from the last stage to the first: the best that stages s.. can make of layers l.. .</summary>
    private static Cuts Solve(StageTimes ranges, Func<Int128, Int128, Int128> combine)
    {
        var cuts = new Cuts(ranges.StageCount, ranges.LayerCount);
        for (var stage = ranges.StageCount - 1; stage >= 0; stage--)
        {
            for (var start = stage; start <= ranges.LayerCount; start++)
            {
                ChooseEnd(ranges, cuts, stage, start, combine);
            }
        }

        return cuts;
    }

    private static void ChooseEnd(StageTimes ranges, Cuts cuts, int stage, int start, Func<Int128, Int128, Int128> combine)
    {
        // From the longest shard to the shortest, so that a tie leaves more layers in front.
        for (var end = ranges.LayerCount; end > start; end--)
        {
            var rest = cuts.Best[stage + 1, end];
            if (rest == Int128.MaxValue)
            {
                continue;
            }

            var value = combine(rest, ranges.Time(stage, start, end));
            if (value < cuts.Best[stage, start])
            {
                cuts.Best[stage, start] = value;
                cuts.End[stage, start] = end;
            }
        }
    }

    private static Int128 AddSaturating(Int128 left, Int128 right) => left > Int128.MaxValue - right ? Int128.MaxValue : left + right;

    /// <summary>Time of any contiguous range on any stage, from prefix sums.</summary>
    private sealed class StageTimes
    {
        private readonly long[] _before;
        private readonly long _embedding;
        private readonly long _head;

        public StageTimes(LayerCosts costs, int stageCount)
        {
            StageCount = stageCount;
            LayerCount = costs.Layers.Count;
            _embedding = costs.Embedding.BytesPerToken;
            _head = costs.Head.BytesPerToken;
            _before = new long[LayerCount + 1];
            for (var layer = 0; layer < LayerCount; layer++)
            {
                _before[layer + 1] = _before[layer] + costs.Layers[layer].BytesPerToken;
            }
        }

        public int StageCount { get; }

        public int LayerCount { get; }

        public Int128 Time(int stage, int start, int end) =>
            _before[end] - _before[start] + (stage == 0 ? _embedding : 0) + (stage == StageCount - 1 ? _head : 0);
    }

    /// <summary>Best value and chosen end for (stage, first layer); the row behind the last stage accepts only "no layers left".</summary>
    private sealed class Cuts
    {
        public Cuts(int stageCount, int layerCount)
        {
            Best = new Int128[stageCount + 1, layerCount + 1];
            End = new int[stageCount, layerCount + 1];
            for (var stage = 0; stage <= stageCount; stage++)
            {
                for (var layer = 0; layer <= layerCount; layer++)
                {
                    Best[stage, layer] = Int128.MaxValue;
                }
            }

            Best[stageCount, layerCount] = 0;
        }

        public Int128[,] Best { get; }

        public int[,] End { get; }

        public int[] Counts()
        {
            var counts = new int[End.GetLength(0)];
            var start = 0;
            for (var stage = 0; stage < counts.Length; stage++)
            {
                counts[stage] = End[stage, start] - start;
                start = End[stage, start];
            }

            return counts;
        }
    }
}
