namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>Whom to ask, and for which model.</summary>
public sealed record LoadTarget(Uri BaseAddress, string Path, CompletionEndpoint Endpoint, string Model)
{
    public Uri Address => Under(BaseAddress, Path);

    /// <summary>A path below a base address that may itself have one, for instance behind a proxy.</summary>
    public static Uri Under(Uri baseAddress, string path)
    {
        ArgumentNullException.ThrowIfNull(baseAddress);
        return new Uri(baseAddress.AbsoluteUri.TrimEnd('/') + path);
    }
}
