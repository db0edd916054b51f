using System.Reflection;
using System.Runtime.InteropServices;

namespace Pipeline.Model.NativeLibraries;

/// <summary>
/// Brings libtorch and TorchSharp's own library into the process before TorchSharp looks for them. Once loaded by absolute
/// path they are found by their names, so nothing has to lie beside the program.
/// </summary>
public static class TorchRuntime
{
    /// <summary>Names a folder with libtorch, for instance the <c>torch/lib</c> of a PyTorch install.</summary>
    public const string LibTorchVariable = "PIPELINE_LIBTORCH";

    private const string CudaLibrary = "libtorch_cuda.so";
    private const string TorchSharpLibrary = "libLibTorchSharp.so";
    private static readonly string[] CpuLibraries = ["libc10.so", "libtorch_cpu.so", "libtorch.so"];
    private static readonly string[] CudaLibraries = ["libc10.so", "libtorch_cpu.so", "libc10_cuda.so", CudaLibrary, "libtorch.so"];
    private static readonly Lazy<string> Loaded = new(LoadOnce, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>Loads the libraries if that has not happened yet; returns the folder libtorch came from.</summary>
    public static string EnsureLoaded() => Loaded.Value;

    /// <summary>Whether the libtorch that was loaded can use CUDA devices.</summary>
    public static bool HasCuda => File.Exists(Path.Combine(EnsureLoaded(), CudaLibrary));

    private static string LoadOnce()
    {
        var folder = LibTorchFolder();
        if (Directory.EnumerateFiles(folder, "libgomp*.so*").FirstOrDefault() is { } openMp)
        {
            NativeLibrary.Load(openMp);
        }

        var libraries = File.Exists(Path.Combine(folder, CudaLibrary)) ? CudaLibraries : CpuLibraries;
        foreach (var library in libraries)
        {
            Load(Path.Combine(folder, library));
        }

        LoadTorchSharp();
        return folder;
    }

    private static string LibTorchFolder()
    {
        if (Environment.GetEnvironmentVariable(LibTorchVariable) is { Length: > 0 } configured)
        {
            return File.Exists(Path.Combine(configured, "libtorch.so"))
                ? configured
                : throw new TorchRuntimeException($"{LibTorchVariable} is {configured}, but there is no libtorch.so in that folder");
        }

        return Candidates("LibTorchNative").FirstOrDefault(folder => File.Exists(Path.Combine(folder, "libtorch.so")))
            ?? throw new TorchRuntimeException(
                $"libtorch.so found neither beside the program nor in the package folder of the build; set {LibTorchVariable} to a folder that has it (the torch/lib of a PyTorch install will do)");
    }

    private static void LoadTorchSharp()
    {
        var path = Candidates("TorchSharpNative").Select(folder => Path.Combine(folder, TorchSharpLibrary)).FirstOrDefault(File.Exists)
            ?? throw new TorchRuntimeException($"{TorchSharpLibrary} found neither beside the program nor in the package folder of the build");
        if (!NativeLibrary.TryLoad(path, out _))
        {
            Load(GlibcxxRequirement.RelaxedCopyOf(path));
        }
    }

    /// <summary>Published programs carry the libraries along; built ones find them where the build found the packages.</summary>
    private static string[] Candidates(string metadataKey)
    {
        var recorded = typeof(TorchRuntime).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == metadataKey)?.Value;
        string[] beside = [Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"), AppContext.BaseDirectory];
        return recorded is null ? beside : [.. beside, recorded];
    }

    private static void Load(string path)
    {
        try
        {
            NativeLibrary.Load(path);
        }
        catch (DllNotFoundException exception)
        {
            throw new TorchRuntimeException($"cannot load {path}: {exception.Message.Split('\n')[0]}", exception);
        }
    }
}
