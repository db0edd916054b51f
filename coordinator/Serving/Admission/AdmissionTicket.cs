namespace Pipeline.Coordinator.Serving.Admission;

/// <summary>The places of one request in the server, held until this is disposed.</summary>
internal sealed class AdmissionTicket(AdmissionGate gate, int sequences) : IDisposable
{
    private int _left;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _left, 1) == 0)
        {
            gate.Leave(sequences);
        }
    }
}
