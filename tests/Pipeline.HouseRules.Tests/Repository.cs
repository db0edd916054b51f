using System.Runtime.CompilerServices;

namespace Pipeline.HouseRules.Tests;

/// <summary>The checked-out repository.</summary>
internal static class Repository
{
    private static readonly string[] Floors = ["shared", "protos", "coordinator", "stage-worker"];

    public static string Root { get; } = Locate();

    public static IReadOnlyList<SourceFile> Sources { get; } =
        [.. Floors.SelectMany(floor => Files(floor, "*.cs")).Select(path => new SourceFile(Relative(path), File.ReadAllText(path)))];

    /// <summary>All files below a folder, build output left out.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories).Where(path => !Relative(path).StartsWith("artifacts/", StringComparison.Ordinal) && !Relative(path).StartsWith(".git/", StringComparison.Ordinal));

    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static string Locate([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
