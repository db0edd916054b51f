using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Pipeline.Model.NativeLibraries;

/// <summary>
/// TorchSharp's native library asks for <c>GLIBCXX_3.4.32</c> (GCC 13), which Debian 12 and Ubuntu 22.04 do not have. The one
/// symbol behind it, <c>std::ios_base_library_init</c>, only orders static initialisers and is never called. Where the host
/// lacks it, a private copy of the library gets the requirement marked weak, which the dynamic linker then lets pass.
/// </summary>
public static class GlibcxxRequirement
{
    private const string Requirement = "GLIBCXX_3.4.32";
    private const uint VersionNeedSection = 0x6ffffffe;
    private const ushort WeakFlag = 0x2;

    /// <summary>Path of the copy; it is made once per library content and shared by all processes of the user.</summary>
    public static string RelaxedCopyOf(string library)
    {
        var bytes = File.ReadAllBytes(library);
        var folder = Path.Combine(CacheFolder(), Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]);
        var copy = Path.Combine(folder, Path.GetFileName(library));
        if (File.Exists(copy))
        {
            return copy;
        }

        Relax(bytes, library);
        Directory.CreateDirectory(folder);
        var temporary = $"{copy}.{Environment.ProcessId}";
        File.WriteAllBytes(temporary, bytes);
        File.Move(temporary, copy, overwrite: true);
        return copy;
    }

    /// <summary>Marks the requirement weak in place. The file is a 64-bit little-endian ELF image, or the call fails by name.</summary>
    public static void Relax(Span<byte> image, string name)
    {
        try
        {
            var changed = RelaxSections(image);
            if (changed != 1)
            {
                throw new TorchRuntimeException(
                    $"{name} needs something this host's C++ library lacks, and it is not the one known requirement {Requirement} ({changed} found); use a host with GCC 13's libstdc++ or newer, for instance Ubuntu 24.04");
            }
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw new TorchRuntimeException($"{name} is not the ELF library it should be", exception);
        }
    }

    private static int RelaxSections(Span<byte> image)
    {
        if (image.Length < 0x40 || !image.StartsWith("\u007fELF"u8) || image[4] != 2)
        {
            return 0;
        }

        var headers = (int)BinaryPrimitives.ReadInt64LittleEndian(image[0x28..]);
        var headerSize = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3A..]);
        var headerCount = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3C..]);
        var changed = 0;
        for (var i = 0; i < headerCount; i++)
        {
            var section = image[(headers + (i * headerSize))..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) == VersionNeedSection)
            {
                var link = (int)BinaryPrimitives.ReadUInt32LittleEndian(section[0x28..]);
                var strings = (int)BinaryPrimitives.ReadInt64LittleEndian(image[(headers + (link * headerSize) + 0x18)..]);
                changed += RelaxNeeds(image, (int)BinaryPrimitives.ReadInt64LittleEndian(section[0x18..]), strings);
            }
        }

        return changed;
    }

    private static int RelaxNeeds(Span<byte> image, int need, int strings)
    {
        var changed = 0;
        while (true)
        {
            var entries = BinaryPrimitives.ReadUInt16LittleEndian(image[(need + 2)..]);
            var entry = need + (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(need + 8)..]);
            for (var i = 0; i < entries; i++)
            {
                var name = image[(strings + (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(entry + 8)..]))..];
                if (name[..name.IndexOf((byte)0)].SequenceEqual("GLIBCXX_3.4.32"u8))
                {
                    var flags = BinaryPrimitives.ReadUInt16LittleEndian(image[(entry + 4)..]);
                    BinaryPrimitives.WriteUInt16LittleEndian(image[(entry + 4)..], (ushort)(flags | WeakFlag));
                    changed++;
                }

                entry += (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(entry + 12)..]);
            }

            var next = (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(need + 12)..]);
            if (next == 0)
            {
                return changed;
            }

            need += next;
        }
    }

    private static string CacheFolder()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        var root = string.IsNullOrEmpty(cache) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache") : cache;
        return Path.Combine(string.IsNullOrEmpty(root) || !Path.IsPathRooted(root) ? Path.GetTempPath() : root, "pipeline");
    }
}
