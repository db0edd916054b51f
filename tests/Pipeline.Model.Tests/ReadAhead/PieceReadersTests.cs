using System.Runtime.InteropServices;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.ReadAhead;
using Pipeline.Model.Tests.Checkpoints;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.ReadAhead;

/// <summary>Reading ahead: everything arrives, in order, within bounds; and it ends, whatever happens.</summary>
public partial class PieceReadersTests
{
    private const int LongestRow = 256; // 4 heads of 16 floats

    private static readonly ModelConfig Config = CheckpointDirectory.Sparse;

    [Theory]
    [InlineData(CheckpointLayout.HuggingFace, 1, 1)]
    [InlineData(CheckpointLayout.HuggingFace, 4, 300)]
    [InlineData(CheckpointLayout.Mistral, 3, 500)]
    [InlineData(CheckpointLayout.Mistral, 8, 1 << 20)]
    [InlineData(CheckpointLayout.MistralStackedExperts, 2, 1)]
    [InlineData(CheckpointLayout.MistralStackedExperts, 4, 700)]
    public void Complete_AnyLayoutAndPiece_BringsTheWeightsOfThePlainWay(CheckpointLayout layout, int readers, int pieceBytes)
    {
        foreach (var type in (string[])["BF16", "F16", "F32"])
        {
            using var folder = CheckpointDirectory.Of(Config, layout, CheckpointDirectory.RandomWeights(Config, readers, type));
            var progress = new Total();
            using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, progress);
            var weights = new HostTarget.Weights { HeadDim = Config.HeadDim, Rented = bytes => Assert.True(bytes <= Math.Max(pieceBytes, LongestRow)) };
            using (var reading = new PieceReaders(checkpoint, readers, pieceBytes, weights.Open))
            {
                weights.Fill(checkpoint, reading);
                reading.Complete(TestContext.Current.CancellationToken);
            }

            checkpoint.Finish();
            Assert.Equal(checkpoint.TotalBytes, progress.Bytes);
            Assert.Equal((readers, readers, readers), (weights.Opened, weights.Finished, weights.Disposed));
            using var plain = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
            Assert.All(plain.Slots.Select((slot, i) => (slot, i)), weight => Assert.Equal(plain.ReadAll(weight.slot), weights.Bytes[weight.i]));
        }
    }

    [Fact]
    public void Add_OneReader_ReadsInTheOrderAskedFor()
    {
        using var folder = CheckpointDirectory.Of(Config, CheckpointLayout.HuggingFace, CheckpointDirectory.RandomWeights(Config, 1));
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        var weights = new HostTarget.Weights { HeadDim = Config.HeadDim };
        using var reading = new PieceReaders(checkpoint, 1, 300, weights.Open);
        weights.Fill(checkpoint, reading);
        reading.Complete(TestContext.Current.CancellationToken);
        Assert.Equal(checkpoint.Slots.SelectMany(slot => checkpoint.Cut(slot, 300)), weights.Placed);
    }

    /// <summary>While one piece waits, others are read, and no more of them than there are readers.</summary>
    [Fact]
    public void Add_SlowTarget_ReadsSeveralAtOnceAndNoMore()
    {
        const int readers = 3;
        using var folder = CheckpointDirectory.Of(Config, CheckpointLayout.HuggingFace, CheckpointDirectory.RandomWeights(Config, 2));
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        using var all = new CountdownEvent(readers);
        using var goOn = new ManualResetEventSlim();
        var weights = new HostTarget.Weights
        {
            HeadDim = Config.HeadDim,
            Placing = _ =>
            {
                if (!goOn.IsSet)
                {
                    all.Signal();
                    goOn.Wait();
                }
            },
        };
        using var reading = new PieceReaders(checkpoint, readers, 300, weights.Open);
        weights.Fill(checkpoint, reading);
        Assert.True(all.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        Assert.Equal(readers, weights.Placed.Count);
        goOn.Set();
        reading.Complete(TestContext.Current.CancellationToken);
        checkpoint.Finish();
    }

    /// <summary>A file that has become shorter since it was opened, as a download that is being replaced does.</summary>
    [Fact]
    public void Complete_FileCutShort_NamesFileAndTensor()
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", CheckpointDirectory.RandomWeights(Config, 3));
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        var path = folder.At("model.safetensors");
        Assert.Equal(0, Truncate(path, new FileInfo(path).Length - 10));
        var weights = new HostTarget.Weights { HeadDim = Config.HeadDim };
        using var reading = new PieceReaders(checkpoint, 4, 300, weights.Open);
        weights.Fill(checkpoint, reading);
        var exception = Assert.Throws<CheckpointException>(() => reading.Complete(TestContext.Current.CancellationToken));
        Assert.StartsWith($"{path} is truncated: tensor model.norm.weight needs bytes ", exception.Message, StringComparison.Ordinal);
        Assert.Equal(weights.Opened, weights.Disposed);
        Assert.Throws<CheckpointException>(checkpoint.Finish);
    }

    [Fact]
    public void Complete_FailingTarget_ThrowsItsFailure()
    {
        using var folder = CheckpointDirectory.Of(Config, CheckpointLayout.HuggingFace, CheckpointDirectory.RandomWeights(Config, 4));
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        var failing = checkpoint.Slots[5];
        var weights = new HostTarget.Weights { HeadDim = Config.HeadDim, Placing = piece => Assert.NotEqual(failing, piece.Slot) };
        using var reading = new PieceReaders(checkpoint, 4, 300, weights.Open);
        weights.Fill(checkpoint, reading);
        Assert.Throws<Xunit.Sdk.NotEqualException>(() => reading.Complete(TestContext.Current.CancellationToken));
        Assert.Equal(weights.Opened, weights.Disposed);
    }

    [Fact]
    public void Complete_TargetThatDoesNotOpen_ThrowsWhy()
    {
        using var folder = CheckpointDirectory.Of(Config, CheckpointLayout.HuggingFace, CheckpointDirectory.RandomWeights(Config, 5));
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        using var reading = new PieceReaders(checkpoint, 2, 300, () => throw new InsufficientMemoryException("no memory to pin"));
        reading.Add(checkpoint.Slots[0], 0);
        Assert.Throws<InsufficientMemoryException>(() => reading.Complete(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Complete_CancelledOrDisposed_EndsEveryReader(bool cancel)
    {
        using var folder = CheckpointDirectory.Of(Config, CheckpointLayout.HuggingFace, CheckpointDirectory.RandomWeights(Config, 6));
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        using var stop = new CancellationTokenSource();
        var (caller, isCompleting) = (Thread.CurrentThread, false);
        var weights = new HostTarget.Weights
        {
            HeadDim = Config.HeadDim,
            Placing = _ =>
            {
                // Nobody reads on before the end is waited for, or all might be read by then.
                if (cancel)
                {
                    SpinWait.SpinUntil(() => Volatile.Read(ref isCompleting) && caller.ThreadState.HasFlag(ThreadState.WaitSleepJoin), TimeSpan.FromSeconds(10));
                }
            },
        };
        var reading = new PieceReaders(checkpoint, 3, 100, weights.Open);
        weights.Fill(checkpoint, reading);
        if (cancel)
        {
            stop.Cancel();
            Volatile.Write(ref isCompleting, true);
            Assert.Throws<OperationCanceledException>(() => reading.Complete(stop.Token));
            Assert.Throws<CheckpointException>(checkpoint.Finish);
        }

        reading.Dispose();
        Assert.Equal(weights.Opened, weights.Disposed);
    }

    [Fact]
    public void Add_WeightOfAnotherShard_IsRefused()
    {
        using var folder = CheckpointDirectory.Of(Config, CheckpointLayout.HuggingFace, CheckpointDirectory.RandomWeights(Config, 7));
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Of(Config, 2)[0], null, null);
        using var reading = new PieceReaders(checkpoint, 1, 300, new HostTarget.Weights { HeadDim = Config.HeadDim }.Open);
        Assert.Throws<CheckpointException>(() => reading.Add(TensorSlot.OfModel(TensorKind.Head), 0));
    }

    /// <summary>As another program does it: .NET would not touch a file that is open.</summary>
    [LibraryImport("libc", EntryPoint = "truncate", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Truncate(string path, long length);

    private sealed class Total : IProgress<long>
    {
        private long _bytes;

        public long Bytes => Volatile.Read(ref _bytes);

        public void Report(long value) => Interlocked.Add(ref _bytes, value);
    }
}
