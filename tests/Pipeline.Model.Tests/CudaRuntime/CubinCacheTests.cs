using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.Tests.CudaRuntime;

public sealed class CubinCacheTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"cubins-{Guid.NewGuid():N}");

    [Fact]
    public void KeyOf_AnyChange_IsAnotherKey()
    {
        string[] keys = [CubinCache.KeyOf("source", "a", "b"), CubinCache.KeyOf("source", "ab"), CubinCache.KeyOf("source", "a", "b", ""), CubinCache.KeyOf("Source", "a", "b")];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], CubinCache.KeyOf("source", "a", "b"));
    }

    [Fact]
    public void GetOrCompile_SecondTime_ComesFromDisk()
    {
        var compilations = 0;
        byte[] Compile()
        {
            compilations++;
            return [1, 2, 3];
        }

        Assert.Equal([1, 2, 3], new CubinCache(_folder).GetOrCompile("key", Compile));
        Assert.Equal([1, 2, 3], new CubinCache(_folder).GetOrCompile("key", Compile));
        Assert.Equal(1, compilations);
        Assert.Equal("key.cubin", Path.GetFileName(Assert.Single(Directory.EnumerateFiles(_folder))));
    }

    [Fact]
    public void GetOrCompile_FolderThatCannotBe_OnlyCompiles() =>
        Assert.Equal([7], new CubinCache("/proc/no-such-folder").GetOrCompile("key", () => [7]));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
