using System.Runtime.InteropServices;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.CudaKernels.DeviceSampling;

/// <summary>The device draws the very tokens that the CPU draws from the same logits, and reports the same log-probabilities.</summary>
public class CudaSamplingTests
{
    private const int Rows = 64;

    [Theory]
    [InlineData(32000, 0f, 0, 1f, 0f)]
    [InlineData(32000, 1f, 0, 1f, 0f)]
    [InlineData(32000, 0.7f, 50, 1f, 0f)]
    [InlineData(32000, 1.3f, 0, 0.9f, 0f)]
    [InlineData(32000, 1f, 0, 1f, 0.05f)]
    [InlineData(32000, 1f, 200, 0.8f, 0.01f)]
    [InlineData(131072, 2f, 1000, 0.5f, 0f)]
    [InlineData(97, 1f, 500, 0.99f, 0f)]
    [InlineData(97, 1f, 1, 0f, 1f)]
    public void Sample_SameParameters_AgreesWithTheCpu(int vocabulary, float temperature, int topK, float topP, float minP) =>
        AssertDrawn(SamplingBatch.Of(vocabulary, Rows, topK, new SamplingParams { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP }));

    /// <summary>More rows than adjusted scores have room for, too.</summary>
    [Theory]
    [InlineData(97, 200, 1)]
    [InlineData(1030, 65, 2)]
    [InlineData(32000, Rows, 3)]
    [InlineData(32768, 130, 4)]
    [InlineData(131072, Rows, 5)]
    public void Sample_EveryRowItsOwnParameters_AgreesWithTheCpu(int vocabulary, int rows, int seed) => AssertDrawn(SamplingBatch.Mixed(vocabulary, rows, seed));

    /// <summary>What was recorded with one batch draws another's tokens: everything that differs is read from the step's buffers.</summary>
    [Fact]
    public void Sample_Recorded_DrawsWhatPlainStepsDraw()
    {
        using var device = new SamplingDevice(32000, Rows);
        var batches = Enumerable.Range(20, 3).Select(seed => SamplingBatch.Mixed(32000, Rows, seed)).ToList();
        device.Load(batches[0]);
        device.Draw(null);
        using var graph = device.Record();
        foreach (var batch in batches)
        {
            device.Load(batch);
            var plain = device.Draw(null);
            device.Poison();
            var recorded = device.Draw(graph);
            Assert.Equal(Bits(plain), Bits(recorded));
            Assert.All(Enumerable.Range(0, Rows), row => batch.AssertDrawn(row, recorded[row]));
        }
    }

    /// <summary>Parameters apart, 4 bytes a row go to the host, and 168 more if there is a report; adjustments cost 8 bytes each.</summary>
    [Fact]
    public void Sample_AnyParameters_CopiesNoLogits()
    {
        using var device = new SamplingDevice(32000, Rows);
        device.Load(SamplingBatch.Of(32000, Rows, 1, new SamplingParams { Temperature = 0 }), plain: true);
        device.Draw(null);
        Assert.Equal((0, Rows * 4), device.Copied);
        var batch = SamplingBatch.Mixed(32000, Rows, 2);
        device.Load(batch);
        device.Draw(null);
        Assert.Equal((batch.Pack().Adjustments.Length * 8, (2 * Rows * 4) + (Rows * 168)), device.Copied);
    }

    private static void AssertDrawn(SamplingBatch batch)
    {
        using var device = new SamplingDevice(batch.Vocabulary, batch.Rows);
        device.Load(batch);
        device.Poison();
        var drawn = device.Draw(null);
        Assert.All(Enumerable.Range(0, batch.Rows), row => batch.AssertDrawn(row, drawn[row]));
    }

    private static int[] Bits(SampledToken[] drawn) =>
    [
        .. drawn.SelectMany(sampled => (int[])
        [
            sampled.Token, BitConverter.SingleToInt32Bits(sampled.Logprob ?? 0), .. sampled.Top.SelectMany(top => (int[])[top.Token, BitConverter.SingleToInt32Bits(top.Logprob)]),
        ]),
    ];

    /// <summary>The product's sampler on a device, fed with batches.</summary>
    private sealed class SamplingDevice : IDisposable
    {
        private readonly CudaStream _stream;
        private readonly KernelLibrary _library;
        private readonly CudaSampler _sampler;
        private readonly DeviceMemory _logits;
        private readonly DeviceMemory _choices;
        private readonly PinnedMemory _host;
        private readonly int _vocabulary;
        private int _rows;

        public SamplingDevice(int vocabulary, int rows)
        {
            Gpu.Require();
            _ = KnownModels.TryGet("mistral-7b-v0.1", out var config);
            var cuda = CudaDevice.Open(0);
            cuda.MakeCurrent();
            _vocabulary = vocabulary;
            _library = new KernelLibrary(cuda, config!, CubinCache.ForUser());
            _stream = new CudaStream();
            _sampler = new CudaSampler(_library, _stream, vocabulary, rows);
            _logits = new DeviceMemory((long)rows * vocabulary * sizeof(ushort), _stream);
            _choices = new DeviceMemory((long)rows * StepSections.ChoiceWords * sizeof(int), _stream);
            _host = new PinnedMemory(rows * Math.Max(vocabulary * sizeof(ushort), StepSections.ChoiceWords * sizeof(int)), giveBack: null);
        }

        public (long ToDevice, long ToHost) Copied => _sampler.Copied;

        public void Load(SamplingBatch batch, bool plain = false)
        {
            _rows = batch.Rows;
            if (plain)
            {
                for (var row = 0; row < batch.Rows; row++)
                {
                    batch.Sequences[row] = Sampling.SamplingState.Of(new SamplingParams { Temperature = 0 });
                }
            }

            Copy(_logits, MemoryMarshal.AsBytes<ushort>(batch.Logits));
            var choices = _sampler.Prepare(batch.Layout);
            Assert.NotNull(choices);
            Copy(_choices, MemoryMarshal.AsBytes<int>(SamplingBatch.Words(choices)));
        }

        public CudaGraph Record() => _stream.Capture(Queue);

        public void Poison() => _sampler.Poison();

        public SampledToken[] Draw(CudaGraph? graph)
        {
            if (graph is null)
            {
                Queue();
            }
            else
            {
                graph.Launch(_stream);
            }

            using var events = new StepEvents();
            using var pinned = new PinnedPool();
            var step = new QueuedStep(events);
            step.Begin(_stream);
            var drawn = _sampler.Bring(pinned, step);
            SampledToken[] tokens = [];
            step.End(_stream, () =>
            {
                tokens = [.. Enumerable.Range(0, _rows).Select(row => drawn[row])];
                return new ShardOutput(null, null);
            }).Finish();
            return tokens;
        }

        public void Dispose()
        {
            _stream.Synchronize();
            _sampler.Dispose();
            _logits.Dispose();
            _choices.Dispose();
            _host.Free();
            _library.Dispose();
            _stream.Dispose();
        }

        private void Queue() => _sampler.Sample(_logits.Pointer, _choices.Pointer, _rows);

        private void Copy(DeviceMemory to, ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_host.GetSpan());
            _stream.CopyToDevice(to.Pointer, _host.Pointer, bytes.Length);
            _stream.Synchronize();
        }
    }
}
