using Pipeline.Model.Checkpoints;
using Pipeline.Protos.V1;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.StageWorker.Loading;
using ElementType = Pipeline.Shared.Models.ElementType;

namespace Pipeline.StageWorker.Tests.Loading;

/// <summary>The product's weights, with something that happens on the way to them.</summary>
/// <param name="onOpen">Called with the attempt's number, from 1.</param>
/// <param name="onRead">Called with the attempt's number and that of the read within it, both from 1.</param>
internal sealed class FaultySources(Action<int>? onOpen = null, Action<int, int>? onRead = null) : IWeightSources
{
    private readonly WeightSources _good = new();

    public int Opened { get; private set; }

    public int Closed { get; private set; }

    public IWeightSource Open(LoadRequest request, ModelConfig config, ShardAssignment assignment, IProgress<long> progress)
    {
        Opened++;
        onOpen?.Invoke(Opened);
        return new FaultySource(this, Opened, _good.Open(request, config, assignment, progress));
    }

    private sealed class FaultySource(FaultySources owner, int attempt, IWeightSource good) : IWeightSource
    {
        private int _reads;

        public IReadOnlyList<TensorSlot> Slots => good.Slots;

        public long TotalBytes => good.TotalBytes;

        public TensorShape ShapeOf(TensorSlot slot) => good.ShapeOf(slot);

        public ElementType TypeOf(TensorSlot slot) => good.TypeOf(slot);

        public void CopyRows(TensorSlot slot, long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
        {
            owner.Read(attempt, Interlocked.Increment(ref _reads));
            good.CopyRows(slot, rowStart, rowCount, destination, destinationType);
        }

        public void Finish() => good.Finish();

        public void Dispose()
        {
            owner.Closed++;
            good.Dispose();
        }
    }

    private void Read(int attempt, int read) => onRead?.Invoke(attempt, read);
}
