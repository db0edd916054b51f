using System.Buffers.Binary;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>A copy of a fixture model that a test may damage; gone afterwards.</summary>
internal sealed class TemporaryModel : IDisposable
{
    private const string Weights = "model-00004-of-00004.safetensors";

    public string Path { get; } = Directory.CreateTempSubdirectory("pipeline-model-").FullName;

    public static TemporaryModel Empty() => new();

    public static TemporaryModel CopyOf(string fixture)
    {
        var model = new TemporaryModel();
        foreach (var file in Directory.EnumerateFiles(Fixtures.At(fixture)))
        {
            File.Copy(file, model.At(System.IO.Path.GetFileName(file)));
        }

        return model;
    }

    /// <summary>Replaces text in the configuration.</summary>
    public TemporaryModel Configure(string text, string replacement)
    {
        var config = File.ReadAllText(At("config.json"));
        Assert.Contains(text, config, StringComparison.Ordinal);
        File.WriteAllText(At("config.json"), config.Replace(text, replacement, StringComparison.Ordinal));
        return this;
    }

    /// <summary>Lets the header claim more bytes than the file has.</summary>
    public TemporaryModel BreakHeader()
    {
        var bytes = File.ReadAllBytes(At(Weights));
        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length + 1);
        File.WriteAllBytes(At(Weights), bytes);
        return this;
    }

    public TemporaryModel Truncate(int bytes)
    {
        using var file = File.OpenWrite(At(Weights));
        file.SetLength(file.Length - bytes);
        return this;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private string At(string name) => System.IO.Path.Combine(Path, name);
}
