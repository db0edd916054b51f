using Pipeline.Model.CudaRuntime;

namespace Pipeline.KernelBench;

/// <summary>Times work on a stream with the device's own clock, as part of a graph, so that launches cost what they cost in a step.</summary>
internal sealed class DeviceTimer(CudaStream stream)
{
    private const int Repetitions = 20;
    private const int Samples = 7;

    /// <summary>Median microseconds of one call; the calls get 0, 1, 2, ... so that they can change buffers.</summary>
    public double Microseconds(Action<int> call)
    {
        call(0);
        stream.Synchronize();
        using var graph = stream.Capture(() =>
        {
            for (var i = 0; i < Repetitions; i++)
            {
                call(i);
            }
        });
        graph.Launch(stream);
        CudaException.Check(CudaDriver.cuEventCreate(out var start, 0), "create an event");
        CudaException.Check(CudaDriver.cuEventCreate(out var end, 0), "create an event");
        var times = new double[Samples];
        for (var i = 0; i < Samples; i++)
        {
            CudaException.Check(CudaDriver.cuEventRecord(start, stream.Handle), "record an event");
            graph.Launch(stream);
            CudaException.Check(CudaDriver.cuEventRecord(end, stream.Handle), "record an event");
            stream.Synchronize();
            CudaException.Check(CudaDriver.cuEventElapsedTime(out var milliseconds, start, end), "read the clock");
            times[i] = milliseconds * 1000 / Repetitions;
        }

        Array.Sort(times);
        return times[Samples / 2];
    }
}
