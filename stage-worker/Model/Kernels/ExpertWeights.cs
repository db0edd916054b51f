namespace Pipeline.Model.Kernels;

/// <summary>Router and experts of one sparse layer, in whatever layout its kernels like best.</summary>
public abstract class ExpertWeights : IDisposable
{
    public abstract long ByteCount { get; }

    public abstract void Dispose();
}
