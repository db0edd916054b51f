namespace Pipeline.StageWorker.Hosting;

/// <summary>A device that hangs keeps the thread that computes on it for ever; a process that was told to stop has to stop all the same.</summary>
internal static class LastResort
{
    /// <summary>Waits for the end in good order, and resorts to the other way when that takes too long.</summary>
    public static async Task WaitAsync(Task ending, TimeSpan patience, Action kill)
    {
        try
        {
            await ending.WaitAsync(patience);
        }
        catch (TimeoutException) when (!ending.IsCompleted)
        {
            kill();
        }
    }
}
