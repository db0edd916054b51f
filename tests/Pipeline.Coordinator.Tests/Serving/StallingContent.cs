using System.Net;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>A body that sends so many bytes, and ends only when it is told to go on.</summary>
internal sealed class StallingContent(int length) : HttpContent
{
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn() => _goOn.TrySetResult();

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(new byte[length]);
        await stream.FlushAsync();
        await _goOn.Task;
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = 0;
        return false;
    }
}
