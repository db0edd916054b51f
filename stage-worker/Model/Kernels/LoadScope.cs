namespace Pipeline.Model.Kernels;

/// <summary>Holds the parts of something while it is being loaded. Disposed of before the whole is complete, it gives them back.</summary>
internal sealed class LoadScope : IDisposable
{
    private readonly List<IDisposable> _parts = [];

    public T Keep<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }

    /// <summary>From here on the whole owns its parts.</summary>
    public T Complete<T>(T whole)
    {
        _parts.Clear();
        return whole;
    }

    public void Dispose() => _parts.ForEach(part => part.Dispose());
}
