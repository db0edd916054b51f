using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.KernelBench;

/// <summary>Projections with few rows: the streaming kernels beside cuBLAS, as microseconds and GB/s of weights.</summary>
internal sealed class LinearBench(KernelLibrary library, CudaStream stream, Cublas cublas)
{
    private const int Copies = 12; // weights far larger than the L2 cache

    private static readonly (string Kernel, int Batch, int RowsPerBlock)[] Variants =
    [
        ("linear_2_blocks", 8, 16), ("linear_3_blocks", 8, 16),
    ];

    public void Run(ModelConfig config)
    {
        (string Name, int Rows, int Columns)[] shapes =
        [
            ("qkv", (config.HeadCount + (2 * config.KvHeadCount)) * config.HeadDim, config.HiddenSize),
            ("out", config.HiddenSize, config.HeadCount * config.HeadDim),
            ("gate up", 2 * config.IntermediateSize, config.HiddenSize),
            ("down", config.HiddenSize, config.IntermediateSize),
            ("head", config.VocabularySize, config.HiddenSize),
        ];
        foreach (var (name, rows, columns) in shapes)
        {
            Measure(name, rows, columns);
        }
    }

    private void Measure(string name, int rows, int columns)
    {
        using var weights = torch.randn([Copies, rows, columns], torch.ScalarType.BFloat16, torch.CUDA);
        using var input = torch.randn([64, columns], torch.ScalarType.BFloat16, torch.CUDA);
        using var output = torch.empty([64, rows], torch.ScalarType.BFloat16, torch.CUDA);
        var timer = new DeviceTimer(stream);
        var wide = new WideLinear(library, stream);
        nint Weight(int i) => TensorAddress.Of(weights) + (nint)((long)(i % Copies) * rows * columns * 2);
        foreach (var batch in new[] { 1, 8, 16, 32, 64 })
        {
            Report($"{name} cublas", batch, timer.Microseconds(i => cublas.Linear(TensorAddress.Of(input), Weight(i), TensorAddress.Of(output), batch, rows, columns)));
            foreach (var (kernel, width, perBlock) in Variants.Where(variant => variant.Batch == batch || (batch == 1 && variant.Batch == 8)))
            {
                var function = library.Function("skinny_linear", kernel);
                Report(
                    $"{name} {kernel} {function.Resources}", batch, timer.Microseconds(i => function.Launch(
                        stream, ((rows + perBlock - 1) / perBlock, 1, 1), 256, 0, Weight(i), TensorAddress.Of(input), TensorAddress.Of(output), rows, columns, batch)));
            }
            if (wide.Takes(batch))
            {
                MeasureWide(gated: false);
            }

            if (wide.Takes(batch) && name == "gate up")
            {
                MeasureWide(gated: true);
            }

            void MeasureWide(bool gated)
            {
                var outputs = gated ? rows / 2 : rows;
                var microseconds = timer.Microseconds(i => wide.Multiply(TensorAddress.Of(input), Weight(i), TensorAddress.Of(output), batch, outputs, columns, gated));
                Report($"{name} wide{(gated ? ", gated" : "")} {WidePlan.For(batch, outputs, gated, library.Multiprocessors)}", batch, microseconds);
            }
        }

        void Report(string what, int batch, double microseconds) =>
            Console.WriteLine($"B={batch,-3} {what,-44} {microseconds,8:F1} us {2.0 * rows * columns / microseconds / 1000,6:F0} GB/s");
    }
}
