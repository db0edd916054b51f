using System.Runtime.CompilerServices;
using Pipeline.Model.NativeLibraries;
using TorchSharp;

namespace Pipeline.Model.Tests;

/// <summary>Loads libtorch before any test. One thread: the tensors are tiny, and sums must come out the same every time.</summary>
internal static class TorchSetup
{
    [ModuleInitializer]
    internal static void Load()
    {
        TorchRuntime.EnsureLoaded();
        torch.set_num_threads(1);
    }
}
