using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Pipeline.Model.CudaKernels;
using Pipeline.TestKit;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>
/// A kernel family compiled by clang for the CPU, its threads played one after the other between barriers (<c>emulator.hpp</c>):
/// the logic can be tested where there is no GPU. What only a GPU shows (races, speed, its own exp) is tested there.
/// </summary>
internal sealed partial class EmulatedKernel : IDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly nint _library;

    /// <param name="door">A file of <c>tests/fixtures/cuda</c> behind the source: functions for the tests.</param>
    /// <param name="headDim">What the kernels are compiled for.</param>
    public EmulatedKernel(string family, string door, int headDim = 128)
    {
        Assert.SkipUnless(Clang("--version") is "", "there is no clang++ on this machine");
        _folder = Directory.CreateTempSubdirectory("emulated-kernel-");
        var source = Path.Combine(_folder.FullName, "kernel.cpp");
        var library = Path.Combine(_folder.FullName, "kernel.so");
        File.WriteAllText(source, $"{Read("emulator.hpp")}\n{InlineAssembly().Replace(KernelSources.Read(family), "")}\n{Read(door)}");
        Assert.Equal("", Clang("-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-w", $"-DHEAD_DIM={headDim}", "-DGROUP=4", "-DHIDDEN=4096", source, "-o", library));
        _library = NativeLibrary.Load(library);
    }

    public nint Function(string name) => NativeLibrary.GetExport(_library, name);

    public void Dispose()
    {
        NativeLibrary.Free(_library);
        _folder.Delete(recursive: true);
    }

    private static string Read(string file) => File.ReadAllText(Fixtures.At("cuda", file));

    /// <summary>Its complaints; null where there is none to ask.</summary>
    private static string? Clang(params string[] arguments)
    {
        try
        {
            using var clang = Process.Start(new ProcessStartInfo("clang++", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            clang.OutputDataReceived += (_, _) => { };
            clang.BeginOutputReadLine();
            var complaints = clang.StandardError.ReadToEnd();
            clang.WaitForExit();
            return complaints;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"asm( volatile)?\(.*?\);", RegexOptions.Singleline)]
    private static partial Regex InlineAssembly();
}
