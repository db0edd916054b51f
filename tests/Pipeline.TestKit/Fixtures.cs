using System.Runtime.CompilerServices;

namespace Pipeline.TestKit;

/// <summary>Where the checked-in models, golden outputs and tokenizers lie.</summary>
public static class Fixtures
{
    /// <summary>Root of the repository, found from this file's own path at compile time.</summary>
    public static string RepositoryRoot { get; } = Locate();

    /// <summary>A file or folder below <c>tests/fixtures</c>.</summary>
    public static string At(params string[] parts) => Path.Combine([RepositoryRoot, "tests", "fixtures", .. parts]);

    /// <summary>The model that the commands use when none is named.</summary>
    public static string TinyMixtral => Path.Combine(RepositoryRoot, "models", "tiny-mixtral");

    private static string Locate([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
