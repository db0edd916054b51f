using System.Runtime.InteropServices;

namespace Pipeline.Model.CudaKernels;

/// <summary>Where a step's hidden states come from and go to on devices, as hops.cu reads it; 0 for what goes through the host.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct StepHop(nint Inbox, nint Outbox, long Count)
{
    public bool HasInbox => Inbox != 0;

    public bool HasOutbox => Outbox != 0;

    /// <summary>Steps that differ in this are not the same graph.</summary>
    public int Kind => (HasInbox ? 1 : 0) + (HasOutbox ? 2 : 0);
}
