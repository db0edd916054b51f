using System.Text;
using CsCheck;
using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Shared.Tests.Models;

public class ModelConfigFuzzTests
{
    private static readonly byte[] Real = File.ReadAllBytes(Path.Combine(Fixtures.TinyMixtral, "config.json"));

    private static readonly string[] Values = ["null", "-1", "0", "3", "1e400", "[]", "{}", "[null]", "\"\\ud800\"", "true", "99999999999"];

    [Fact]
    public void Read_MutatedBytes_ThrowsOnlyModelConfigException()
    {
        using var folder = new ModelFolder();
        Gen.Select(Gen.Int[0, Real.Length - 1], Gen.Byte).Array[1, 4]
            .Sample(edits => IsHandled(folder, Edit(edits)), iter: 800, seed: "0000KOIPe036", threads: 1);
    }

    [Fact]
    public void Read_AnyFieldWithAnyOddValue_ThrowsOnlyModelConfigException()
    {
        var lines = Encoding.UTF8.GetString(Real).Split('\n');
        using var folder = new ModelFolder();
        foreach (var line in Enumerable.Range(0, lines.Length).Where(line => lines[line].Contains(':', StringComparison.Ordinal)))
        {
            var field = lines[line][..(lines[line].IndexOf(':', StringComparison.Ordinal) + 1)];
            Assert.All(Values, value =>
            {
                string[] changed = [.. lines];
                changed[line] = field + value + (lines[line].EndsWith(',') ? "," : "");
                Assert.True(IsHandled(folder, Encoding.UTF8.GetBytes(string.Join('\n', changed))), changed[line]);
            });
        }
    }

    private static byte[] Edit((int Position, byte Value)[] edits)
    {
        byte[] copy = [.. Real];
        foreach (var (position, value) in edits)
        {
            copy[position] = value;
        }

        return copy;
    }

    /// <summary>A config is refused by name of its file, or it is one that every size can be computed from.</summary>
    private static bool IsHandled(ModelFolder folder, byte[] json)
    {
        File.WriteAllBytes(Path.Combine(folder.Path, "config.json"), json);
        try
        {
            var config = ModelConfigFile.Read(folder.Path).Config;
            return config.QkvSize > 0 && config.WindowOf(config.LayerCount - 1) is null or > 0;
        }
        catch (ModelConfigException error)
        {
            return error.Message.StartsWith(Path.Combine(folder.Path, "config.json"), StringComparison.Ordinal);
        }
    }
}
