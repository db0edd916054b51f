using System.ComponentModel;
using System.Diagnostics;
using Pipeline.Model.CudaKernels;
using Pipeline.TestKit;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>
/// The kernels' syntax and types, checked by clang where there is neither a GPU nor NVRTC: what a compiler for CUDA knows by itself is
/// declared in <c>tests/fixtures/cuda</c>. Inline assembly is taken as it is.
/// </summary>
public class KernelSyntaxTests
{
    private static readonly string[] Shapes = ["-DHEAD_DIM=128 -DGROUP=4 -DHIDDEN=4096 -DEXPERTS=8 -DCHOICES=2", "-DHEAD_DIM=64 -DGROUP=1 -DHIDDEN=64 -DEXPERTS=1 -DCHOICES=1"];

    public static TheoryData<string> Families => [.. KernelSources.Families, .. KernelSources.HopperFamilies];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Source_OfEveryFamily_IsCuda(string family)
    {
        foreach (var shape in Shapes)
        {
            Assert.Equal("", await CheckAsync(KernelSources.Read(family), shape));
        }
    }

    /// <summary>The check sees what it is there for.</summary>
    [Theory]
    [InlineData("KERNEL broken(float* x) { x[0] = 1.0f }")]
    [InlineData("KERNEL broken(float* x) { x[0] = no_such_function(1.0f); }")]
    [InlineData("KERNEL broken(float* x) { u32* y = x; }")]
    public async Task Source_WithAMistake_IsNot(string mistake) => Assert.Contains("error: ", await CheckAsync($"{KernelSources.Read("rows")}\n{mistake}\n", Shapes[0]), StringComparison.Ordinal);

    private static async Task<string> CheckAsync(string source, string shape)
    {
        string[] arguments =
        [
            "-x", "cuda", "--cuda-device-only", "--cuda-gpu-arch=sm_80", "-nocudainc", "-nocudalib", "-fsyntax-only", "-std=c++17", "-Wno-everything",
            "-include", Fixtures.At("cuda", "prelude.cuh"), .. shape.Split(' '), "-",
        ];
        try
        {
            using var clang = Process.Start(new ProcessStartInfo("clang", arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
            await clang.StandardInput.WriteAsync(source);
            clang.StandardInput.Close();
            var errors = await clang.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await clang.WaitForExitAsync(TestContext.Current.CancellationToken);
            return clang.ExitCode == 0 ? "" : errors;
        }
        catch (Win32Exception)
        {
            Assert.Skip("there is no clang on this machine");
            throw;
        }
    }
}
