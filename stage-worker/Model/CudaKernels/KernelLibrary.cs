using System.Runtime.ExceptionServices;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;

namespace Pipeline.Model.CudaKernels;

/// <summary>All kernel families, compiled for one device and one model's shape.</summary>
internal sealed class KernelLibrary : IDisposable
{
    private const int OverlapMajor = 9;
    private const int HopperMajor = 9;

    private readonly Dictionary<string, CudaModule> _modules = [];
    private readonly Dictionary<(string Family, string Name), CudaFunction> _functions = [];

    /// <param name="cache">Where compiled code is kept.</param>
    /// <param name="extraOptions">For measurements of kernel variants.</param>
    public KernelLibrary(CudaDevice device, ModelConfig config, CubinCache cache, params IReadOnlyList<string> extraOptions)
    {
        Multiprocessors = device.Multiprocessors;
        IsForHopper = IsHopper(device.Major, device.Minor);
        var families = FamiliesFor(device.Major, device.Minor);
        var options = OptionsFor(device.Major, device.Minor, config, extraOptions);
        foreach (var (family, cubin) in families.Zip(CompileAll(families, cache, Nvrtc.Version, options)))
        {
            _modules[family] = new CudaModule(cubin, device.Major >= OverlapMajor);
        }
    }

    /// <summary>Of the device, for whoever chooses a grid.</summary>
    public int Multiprocessors { get; }

    /// <summary>The device is a Hopper, and the families for it alone are here as well.</summary>
    public bool IsForHopper { get; }

    public static IReadOnlyList<string> FamiliesFor(int major, int minor) =>
        IsHopper(major, minor) ? [.. KernelSources.Families, .. KernelSources.HopperFamilies] : KernelSources.Families;

    /// <summary>What the compiler is told: the architecture, Hopper with the instructions that no later one has, and the model's shape.</summary>
    public static IReadOnlyList<string> OptionsFor(int major, int minor, ModelConfig config, IReadOnlyList<string> extraOptions) =>
    [
        $"--gpu-architecture=sm_{major}{minor}{(IsHopper(major, minor) ? "a" : "")}",
        "--std=c++17",
        $"-DHEAD_DIM={config.HeadDim}",
        $"-DGROUP={config.HeadCount / config.KvHeadCount}",
        $"-DHIDDEN={config.HiddenSize}",
        $"-DEXPERTS={config.Moe?.ExpertCount ?? 1}",
        $"-DCHOICES={config.Moe?.ExpertsPerToken ?? 1}",
        .. extraOptions,
    ];

    public CudaFunction Function(string family, string name)
    {
        if (!_functions.TryGetValue((family, name), out var function))
        {
            function = _modules[family].Function(name);
            _functions[(family, name)] = function;
        }

        return function;
    }

    public static bool IsHopper(int major, int minor) => (major, minor) == (HopperMajor, 0);

    private static List<byte[]> CompileAll(IReadOnlyList<string> families, CubinCache cache, string version, IReadOnlyList<string> options)
    {
        try
        {
            return [.. families.AsParallel().AsOrdered().Select(family =>
            {
                var source = KernelSources.Read(family);
                return cache.GetOrCompile(CubinCache.KeyOf([source, version, .. options]), () => Nvrtc.Compile($"{family}.cu", source, options));
            })];
        }
        catch (AggregateException exception)
        {
            // One message says what is wrong; the first will do.
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var module in _modules.Values)
        {
            module.Dispose();
        }
    }
}
