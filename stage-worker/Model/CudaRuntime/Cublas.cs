using System.Runtime.InteropServices;

namespace Pipeline.Model.CudaRuntime;

/// <summary>Matrix products of NVIDIA's library, for many rows. Its workspace is ours, so that calls can be recorded in graphs.</summary>
internal sealed unsafe partial class Cublas : IDisposable
{
    private const int Transposed = 1;
    private const int Plain = 0;
    private const int BFloat16 = 14;
    private const int Float32Sums = 68;
    private const int DefaultAlgorithm = -1;
    private const long WorkspaceBytes = 64L << 20;

    private readonly nint _handle;
    private readonly DeviceMemory _workspace;

    public Cublas(CudaStream stream)
    {
        CudaLibraries.EnsureRegistered();
        Check(cublasCreate(out _handle), "start");
        _workspace = new DeviceMemory(WorkspaceBytes, stream);
        Check(cublasSetStream(_handle, stream.Handle), "take the stream");
        Check(cublasSetWorkspace(_handle, _workspace.Pointer, (nuint)WorkspaceBytes), "take its workspace");
    }

    /// <summary>output <c>[batch, rows]</c> = input <c>[batch, columns]</c> times the transposed weight <c>[rows, columns]</c>, bf16 with float32 sums.</summary>
    public void Linear(nint input, nint weight, nint output, int batch, int rows, int columns)
    {
        var (one, zero) = (1f, 0f);
        Check(
            cublasGemmEx(_handle, Transposed, Plain, rows, batch, columns, &one, weight, BFloat16, columns, input, BFloat16, columns, &zero, output, BFloat16, rows, Float32Sums, DefaultAlgorithm),
            $"multiply [{batch}, {columns}] by [{rows}, {columns}]");
    }

    public void Dispose()
    {
        _ = cublasDestroy(_handle);
        _workspace.Dispose();
    }

    private static void Check(int result, string what)
    {
        if (result != 0)
        {
            throw new CudaException($"cuBLAS could not {what}: error {result}");
        }
    }

    [LibraryImport(CudaLibraries.Cublas, EntryPoint = "cublasCreate_v2")]
    private static partial int cublasCreate(out nint handle);

    [LibraryImport(CudaLibraries.Cublas, EntryPoint = "cublasDestroy_v2")]
    private static partial int cublasDestroy(nint handle);

    [LibraryImport(CudaLibraries.Cublas, EntryPoint = "cublasSetStream_v2")]
    private static partial int cublasSetStream(nint handle, nint stream);

    [LibraryImport(CudaLibraries.Cublas, EntryPoint = "cublasSetWorkspace_v2")]
    private static partial int cublasSetWorkspace(nint handle, nint workspace, nuint bytes);

    [LibraryImport(CudaLibraries.Cublas)]
    private static partial int cublasGemmEx(
        nint handle, int opA, int opB, int m, int n, int k, float* alpha, nint a, int typeA, int lda, nint b, int typeB, int ldb, float* beta, nint c, int typeC, int ldc, int computeType, int algorithm);
}
