namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>Whom to ask, and for which model.</summary>
public sealed record LoadTarget(Uri BaseAddress, string Path, CompletionEndpoint Endpoint, string Model)
{
    private const string Version = "/v1";

    public Uri Address => Under(BaseAddress, Path);

    /// <summary>
    /// A path below a base address that may itself have one, for instance behind a proxy. Other clients are given the address with the
    /// version that our paths begin with; it counts once.
    /// </summary>
    public static Uri Under(Uri baseAddress, string path)
    {
        ArgumentNullException.ThrowIfNull(baseAddress);
        var root = baseAddress.AbsoluteUri.TrimEnd('/');
        return new Uri((root.EndsWith(Version, StringComparison.Ordinal) && path.StartsWith(Version + "/", StringComparison.Ordinal) ? root[..^Version.Length] : root) + path);
    }
}
