using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Sampling;
using TorchSharp;

namespace Pipeline.KernelBench;

/// <summary>Drawing tokens: what each way of sampling costs a step, at Mistral's vocabularies.</summary>
internal sealed class SamplingBench(KernelLibrary library, CudaStream stream)
{
    private const int Threads = 1024;
    private const int SeenTokens = 500; // distinct ones, of about a thousand

    private static readonly (string Name, SamplingParams Sampling)[] Ways =
    [
        ("greedy", new() { Temperature = 0 }),
        ("temperature", new()),
        ("top-k and top-p", new() { TopK = 50, TopP = 0.9f }),
        ("greedy with penalties", new() { Temperature = 0, RepetitionPenalty = 1.1f, FrequencyPenalty = 0.2f }),
        ("top-k and top-p with penalties", new() { TopK = 50, TopP = 0.9f, RepetitionPenalty = 1.1f, FrequencyPenalty = 0.2f }),
        ("greedy with 20 log-probabilities", new() { Temperature = 0, Logprobs = 20 }),
    ];

    public void Run()
    {
        foreach (var vocabulary in (int[])[32000, 131072])
        {
            foreach (var rows in (int[])[1, 16, 64])
            {
                Measure(vocabulary, rows);
            }
        }

        Console.WriteLine($"sample {library.Function("sampling", "sample").Resources}");
    }

    private void Measure(int vocabulary, int rows)
    {
        using var logits = torch.randn([rows, vocabulary], torch.ScalarType.BFloat16, torch.CUDA);
        using var scores = torch.empty([rows, vocabulary], torch.ScalarType.Float32, torch.CUDA);
        using var tokens = new DeviceMemory(rows * sizeof(int), stream);
        using var reports = new DeviceMemory(rows * Unsafe.SizeOf<SamplingReport>(), stream);
        foreach (var (name, sampling) in Ways)
        {
            var penalised = sampling.RepetitionPenalty != 1;
            using var choices = Upload<int>([.. Enumerable.Range(0, rows).SelectMany(row => Words(sampling, penalised ? row * SeenTokens : 0, penalised ? SeenTokens : 0))]);
            using var adjustments = Upload<ScoreAdjustment>([.. Enumerable.Range(0, rows * SeenTokens).Select(i => new ScoreAdjustment(i % SeenTokens * 61, i % 3))]);
            var microseconds = new DeviceTimer(stream).Microseconds(_ => library.Function("sampling", "sample").Launch(
                stream, (rows, 1, 1), Threads, 0,
                TensorAddress.Of(logits), choices.Pointer, tokens.Pointer, vocabulary, adjustments.Pointer, TensorAddress.Of(scores), reports.Pointer));
            Console.WriteLine($"B={rows,-3} {$"sample {vocabulary}, {name}",-52} {microseconds,8:F1} us");
        }
    }

    private static int[] Words(SamplingParams sampling, int seen, int count)
    {
        var words = new int[StepSections.ChoiceWords];
        StepBuffers.WriteChoice(words, new SamplingChoice(sampling, 100, new AdjustmentRange(seen, seen + count, seen + count, seen + count)));
        return words;
    }

    private DeviceMemory Upload<T>(T[] values)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values.AsSpan());
        using var host = new PinnedMemory(bytes.Length, giveBack: null);
        bytes.CopyTo(host.GetSpan());
        var memory = new DeviceMemory(bytes.Length, stream);
        stream.CopyToDevice(memory.Pointer, host.Pointer, bytes.Length);
        stream.Synchronize();
        return memory;
    }
}
