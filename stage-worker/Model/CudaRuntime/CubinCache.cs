using System.Security.Cryptography;
using System.Text;

namespace Pipeline.Model.CudaRuntime;

/// <summary>
/// Compiled kernels on disk, by the hash of everything that decides what the compiler makes: source, options, compiler version.
/// A file that cannot be read or written only costs a compilation.
/// </summary>
public sealed class CubinCache(string folder)
{
    /// <summary>The cache of this user.</summary>
    public static CubinCache ForUser()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        var root = string.IsNullOrEmpty(cache) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache") : cache;
        return new CubinCache(Path.Combine(Path.IsPathRooted(root) ? root : Path.GetTempPath(), "pipeline", "cubins"));
    }

    /// <summary>Each part is hashed with its length, so that no two lists of parts look the same.</summary>
    public static string KeyOf(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.LongLength));
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    /// <summary>What was compiled for the key before, or what the compiler makes now.</summary>
    public byte[] GetOrCompile(string key, Func<byte[]> compile)
    {
        var path = Path.Combine(folder, $"{key}.cubin");
        try
        {
            if (File.Exists(path))
            {
                return File.ReadAllBytes(path);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Then it is compiled again.
        }

        var cubin = compile();
        TryStore(path, cubin);
        return cubin;
    }

    /// <summary>Under a name of its own first: workers that start together compile the same kernels at the same time.</summary>
    private void TryStore(string path, byte[] cubin)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var temporary = $"{path}.{Environment.ProcessId}";
            File.WriteAllBytes(temporary, cubin);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The kernels are compiled, only not kept.
        }
    }
}
