using System.Runtime.CompilerServices;

namespace Pipeline.Cluster.Tests;

/// <summary>The checked-out repository.</summary>
internal static class Repository
{
    public static string Root { get; } = Locate();

    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Locate([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
