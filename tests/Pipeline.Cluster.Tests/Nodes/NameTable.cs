namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>
/// The cluster's names, as a file that every pod has for its <c>/etc/hosts</c>: a headless Service gives each pod a name, any other
/// Service is a name for the pods that are ready.
/// </summary>
internal sealed class NameTable
{
    private readonly Lock _lock = new();
    private string _text = "";

    public NameTable(string folder)
    {
        File = Path.Combine(folder, "hosts");
        Write();
    }

    public string File { get; }

    /// <param name="entries">Address and name within the namespace.</param>
    public void Replace(IEnumerable<(string Address, string Name)> entries, string ns)
    {
        lock (_lock)
        {
            _text = string.Concat(entries.Select(entry => $"{entry.Address} {entry.Name} {entry.Name}.{ns} {entry.Name}.{ns}.svc {entry.Name}.{ns}.svc.cluster.local\n"));
            Write();
        }
    }

    /// <summary>In place, for a sandbox holds on to the very file it was given.</summary>
    private void Write()
    {
        using var stream = new FileStream(File, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        var bytes = System.Text.Encoding.ASCII.GetBytes($"127.0.0.1 localhost\n{_text}");
        stream.Write(bytes);
        stream.SetLength(bytes.Length);
    }
}
