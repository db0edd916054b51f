using System.Diagnostics;

namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>A sequence whose request is recorded, and how many of its steps were told.</summary>
internal sealed class TracedSequence(ActivityContext request)
{
    private int _steps;
    private (long Epoch, long Step) _lastStep;

    public ActivityContext Request { get; } = request;

    /// <summary>Whether a step is among the first ones. Every stage tells of a step, which counts once.</summary>
    public bool Takes((long Epoch, long Step) step, int most)
    {
        if (step.CompareTo(_lastStep) > 0 && _steps < most)
        {
            (_lastStep, _steps) = (step, _steps + 1);
        }

        return step.CompareTo(_lastStep) <= 0;
    }
}
