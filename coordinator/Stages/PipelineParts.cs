namespace Pipeline.Coordinator.Stages;

/// <summary>Doing something with all parts of a pipeline at once.</summary>
public static class PipelineParts
{
    /// <summary>All or none: the first failure cancels the rest, so that nobody waits for work that has become useless.</summary>
    public static async Task<T[]> AllAsync<TPart, T>(IEnumerable<TPart> parts, Func<TPart, CancellationToken, Task<T>> action, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? first = null;
        var running = parts.Select(RunAsync).ToList();
        try
        {
            return await Task.WhenAll(running);
        }
        catch (Exception) when (first is not null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw first;
        }

        async Task<T> RunAsync(TPart part)
        {
            try
            {
                return await action(part, stop.Token);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref first, exception, null);
                await stop.CancelAsync();
                throw;
            }
        }
    }

    /// <summary>None is forgotten because another one failed.</summary>
    public static Task DisposeAllAsync(IEnumerable<IAsyncDisposable> parts) => Task.WhenAll(parts.Select(async part => await part.DisposeAsync()));
}
