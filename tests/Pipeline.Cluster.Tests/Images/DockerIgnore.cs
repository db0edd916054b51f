namespace Pipeline.Cluster.Tests.Images;

/// <summary><c>.dockerignore</c>, as far as it is used here: all is left out but what an exclamation mark brings back, without folders of builds.</summary>
internal sealed class DockerIgnore
{
    private readonly List<string> _lines;

    private DockerIgnore(List<string> lines) => _lines = lines;

    public static DockerIgnore Read() => Parse(File.ReadAllText(Repository.At(".dockerignore")));

    public static DockerIgnore Parse(string text) => new([.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')]);

    /// <summary>Whether a build gets to see a path of the repository; the last line that speaks of it decides.</summary>
    public bool Lets(string path)
    {
        var included = true;
        foreach (var line in _lines)
        {
            var (pattern, includes) = line[0] == '!' ? (line[1..], true) : (line, false);
            if (Speaks(pattern, path.TrimEnd('/')))
            {
                included = includes;
            }
        }

        return included;
    }

    private static bool Speaks(string pattern, string path) => pattern switch
    {
        "*" => true,
        ['*', '*', '/', ..] => path.Split('/').Contains(pattern[3..]),
        _ => path == pattern || path.StartsWith($"{pattern}/", StringComparison.Ordinal),
    };
}
