using System.Runtime.InteropServices;

namespace Pipeline.Protos.SharedMemory;

/// <summary>What a slot of a ring holds; a cache line of its own.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct SlotControl
{
    /// <summary>Whose the slot is: the writer's, published for the reader, or taken by it.</summary>
    public int State;

    public int HeaderBytes;

    /// <summary>Not 0: the message was too large and comes another way.</summary>
    public int IsElsewhere;

    public int HasHidden;
    public int ElementType;
    public int Rows;
    public int Width;

    /// <summary>Which slot of device memory has the tensor, counted from 1; 0 when it lies beside the message.</summary>
    public int DeviceSlot;

    public const int Free = 0;
    public const int Published = 1;
    public const int Taken = 2;
}
