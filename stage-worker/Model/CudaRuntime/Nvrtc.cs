using System.Runtime.InteropServices;
using System.Text;

namespace Pipeline.Model.CudaRuntime;

/// <summary>NVIDIA's run-time compiler: CUDA C++ in, machine code for one architecture out.</summary>
internal static unsafe partial class Nvrtc
{
    public static string Version
    {
        get
        {
            CudaLibraries.EnsureRegistered();
            Check(nvrtcVersion(out var major, out var minor), "tell its version");
            return $"{major}.{minor}";
        }
    }

    public static byte[] Compile(string name, string source, IReadOnlyList<string> options)
    {
        CudaLibraries.EnsureRegistered();
        Check(nvrtcCreateProgram(out var program, source, name, 0, null, null), $"take {name}");
        try
        {
            var texts = options.Select(Marshal.StringToCoTaskMemUTF8).ToArray();
            int result;
            fixed (nint* pointers = texts)
            {
                result = nvrtcCompileProgram(program, texts.Length, (byte**)pointers);
            }

            Array.ForEach(texts, Marshal.FreeCoTaskMem);
            if (result != 0)
            {
                throw new CudaException($"{name} does not compile: {Log(program)}");
            }

            Check(nvrtcGetCUBINSize(program, out var size), $"size the code of {name}");
            var cubin = new byte[(int)size];
            fixed (byte* target = cubin)
            {
                Check(nvrtcGetCUBIN(program, target), $"give the code of {name}");
            }

            return cubin;
        }
        finally
        {
            _ = nvrtcDestroyProgram(ref program);
        }
    }

    private static string Log(nint program)
    {
        Check(nvrtcGetProgramLogSize(program, out var size), "size its log");
        var log = new byte[(int)size];
        fixed (byte* target = log)
        {
            Check(nvrtcGetProgramLog(program, target), "give its log");
        }

        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
    }

    private static void Check(int result, string what)
    {
        if (result != 0)
        {
            throw new CudaException($"NVRTC could not {what}: error {result}");
        }
    }

    [LibraryImport(CudaLibraries.Nvrtc)]
    private static partial int nvrtcVersion(out int major, out int minor);

    [LibraryImport(CudaLibraries.Nvrtc, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int nvrtcCreateProgram(out nint program, string source, string name, int headerCount, byte** headers, byte** includeNames);

    [LibraryImport(CudaLibraries.Nvrtc)]
    private static partial int nvrtcDestroyProgram(ref nint program);

    [LibraryImport(CudaLibraries.Nvrtc)]
    private static partial int nvrtcCompileProgram(nint program, int optionCount, byte** options);

    [LibraryImport(CudaLibraries.Nvrtc)]
    private static partial int nvrtcGetCUBINSize(nint program, out nuint size);

    [LibraryImport(CudaLibraries.Nvrtc)]
    private static partial int nvrtcGetCUBIN(nint program, byte* cubin);

    [LibraryImport(CudaLibraries.Nvrtc)]
    private static partial int nvrtcGetProgramLogSize(nint program, out nuint size);

    [LibraryImport(CudaLibraries.Nvrtc)]
    private static partial int nvrtcGetProgramLog(nint program, byte* log);
}
