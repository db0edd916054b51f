namespace Pipeline.Coordinator.Stages;

/// <summary>Taking a pipeline apart: all parts at once, none forgotten because another one failed.</summary>
public static class PipelineParts
{
    public static Task DisposeAllAsync(IEnumerable<IAsyncDisposable> parts) => Task.WhenAll(parts.Select(async part => await part.DisposeAsync()));
}
