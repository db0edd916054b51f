using System.Reflection;
using Pipeline.Model.NativeLibraries;

namespace Pipeline.Model.Tests.NativeLibraries;

public class GlibcxxRequirementTests
{
    private static readonly string Library = Path.Combine(Metadata("TorchSharpNative"), "libLibTorchSharp.so");

    [Fact]
    public void Relax_TorchSharpsLibrary_SetsTheWeakFlagOfOneRequirement()
    {
        var original = File.ReadAllBytes(Library);
        var relaxed = (byte[])original.Clone();
        GlibcxxRequirement.Relax(relaxed, Library);
        var changed = Enumerable.Range(0, original.Length).Where(i => original[i] != relaxed[i]).ToList();
        Assert.Single(changed);
        Assert.Equal(0x2, original[changed[0]] ^ relaxed[changed[0]]);
        Assert.Equal(0x2, relaxed[changed[0]] & 0x2);
    }

    [Fact]
    public void Relax_LibraryWithoutTheRequirement_IsRefusedAndUntouched()
    {
        var path = Path.Combine(Metadata("LibTorchNative"), "libc10.so");
        var image = File.ReadAllBytes(path);
        var copy = (byte[])image.Clone();
        var failure = Assert.Throws<TorchRuntimeException>(() => GlibcxxRequirement.Relax(copy, "libc10.so"));
        Assert.Contains("libc10.so", failure.Message, StringComparison.Ordinal);
        Assert.Contains("GLIBCXX_3.4.32", failure.Message, StringComparison.Ordinal);
        Assert.Equal(image, copy);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x7f })]
    [InlineData(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F' })]
    [InlineData(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2 })]
    [InlineData(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1, 1 })]
    [InlineData(new byte[] { (byte)'M', (byte)'Z', 0, 0, 0, 0, 0, 0 })]
    public void Relax_OtherFile_IsATypedError(byte[] image) => Assert.Throws<TorchRuntimeException>(() => GlibcxxRequirement.Relax(image, "other"));

    /// <summary>Damage ends in a typed error or in the one change; never in another exception, never in an endless walk.</summary>
    [Fact]
    public void Relax_DamagedLibrary_NeverCrashes()
    {
        var original = File.ReadAllBytes(Library);
        var random = new Random(1);
        var sectionTable = (int)BitConverter.ToInt64(original, 0x28);
        for (var trial = 0; trial < 60; trial++)
        {
            var image = (byte[])original.Clone();
            for (var hit = 0; hit < 4; hit++)
            {
                var at = random.Next(2) == 0 ? random.Next(0x40) : sectionTable + random.Next(original.Length - sectionTable);
                image[at] = (byte)random.Next(256);
            }

            var failure = Record.Exception(() => GlibcxxRequirement.Relax(image, "damaged"));
            Assert.True(failure is null or TorchRuntimeException, $"trial {trial}: {failure}");
        }
    }

    [Fact]
    public void RelaxedCopyOf_Twice_MakesOneCopy()
    {
        const string Variable = "XDG_CACHE_HOME";
        var before = Environment.GetEnvironmentVariable(Variable);
        var folder = Directory.CreateTempSubdirectory("pipeline-test-").FullName;
        try
        {
            Environment.SetEnvironmentVariable(Variable, folder);
            var first = GlibcxxRequirement.RelaxedCopyOf(Library);
            var written = File.GetLastWriteTimeUtc(first);
            Assert.Equal(first, GlibcxxRequirement.RelaxedCopyOf(Library));
            Assert.Equal(written, File.GetLastWriteTimeUtc(first));
            Assert.StartsWith(folder, first, StringComparison.Ordinal);
            Assert.Single(Directory.GetFiles(Path.GetDirectoryName(first)!));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, before);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Metadata(string key) => typeof(TorchRuntime).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
