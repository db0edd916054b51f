using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;
using Pipeline.Model.NativeLibraries;

namespace Pipeline.Model.CudaRuntime;

/// <summary>
/// Finds the libraries that come with a CUDA libtorch: beside it (the NuGet package), in the nvidia folders beside torch (a
/// PyTorch install), in a CUDA toolkit, or already in the process because libtorch brought them.
/// </summary>
internal static class CudaLibraries
{
    public const string Nvrtc = "nvrtc";
    public const string Cublas = "cublas";
    public const string TorchSharp = "LibTorchSharp";

    private static readonly Dictionary<string, string> Patterns = new() { [Nvrtc] = "libnvrtc*.so.1?", [Cublas] = "libcublas.so.1?" };
    private static readonly Lazy<bool> Registered = new(Register);

    /// <summary>Tells the runtime how to resolve the names above; to be called before the first of their functions.</summary>
    public static void EnsureRegistered() => _ = Registered.Value;

    /// <summary>Folders in which libraries may lie, given where libtorch is; the nearest first.</summary>
    public static IEnumerable<string> Folders(string libTorch)
    {
        var packages = Path.GetFullPath(Path.Combine(libTorch, "..", "..", "nvidia"));
        string[] folders =
        [
            libTorch,
            Path.Combine(packages, "cu13", "lib"),
            Path.Combine(packages, "cuda_nvrtc", "lib"),
            Path.Combine(packages, "cublas", "lib"),
            "/usr/local/cuda/lib64",
        ];
        return folders.Where(Directory.Exists);
    }

    private static bool Register()
    {
        NativeLibrary.SetDllImportResolver(typeof(CudaLibraries).Assembly, Resolve);
        return true;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name == TorchSharp)
        {
            // In the process since TorchRuntime loaded it by path: its name is enough.
            return NativeLibrary.Load("libLibTorchSharp.so");
        }

        return Patterns.TryGetValue(name, out var pattern) && TryFind(pattern, out var handle) ? handle : 0;
    }

    private static bool TryFind(string pattern, [NotNullWhen(true)] out nint handle)
    {
        var files = Folders(TorchRuntime.EnsureLoaded())
            .SelectMany(folder => Directory.EnumerateFiles(folder, pattern).Where(file => !file.Contains("builtins", StringComparison.Ordinal)).OrderDescending());
        foreach (var file in files)
        {
            if (NativeLibrary.TryLoad(file, out handle))
            {
                return true;
            }
        }

        foreach (var version in new[] { "13", "12" })
        {
            if (NativeLibrary.TryLoad(pattern.Replace("*", "", StringComparison.Ordinal).Replace("1?", version, StringComparison.Ordinal), out handle))
            {
                return true;
            }
        }

        handle = 0;
        return false;
    }
}
