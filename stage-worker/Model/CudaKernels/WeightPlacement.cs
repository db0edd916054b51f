using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;

namespace Pipeline.Model.CudaKernels;

/// <summary>How stored pieces become bf16 rows on the device: by a plain copy, or by a kernel of weights.cu. For any thread.</summary>
internal sealed class WeightPlacement
{
    public const int Threads = 256;
    private const int Tile = 32;

    private readonly Dictionary<(StoredOrder Order, ElementType Type), CudaFunction> _kernels = [];

    public WeightPlacement(KernelLibrary library)
    {
        foreach (var order in Enum.GetValues<StoredOrder>())
        {
            foreach (var type in (ElementType[])[ElementType.BFloat16, ElementType.Float16, ElementType.Float32])
            {
                _kernels[(order, type)] = library.Function("weights", NameOf(order, type));
            }
        }
    }

    /// <summary>The bytes are already those of the weight.</summary>
    public static bool IsPlainCopy(StoredPiece piece) => piece is { Order: StoredOrder.Rows, Tensor.Type: ElementType.BFloat16 };

    /// <summary>Where a piece that is copied as it is begins.</summary>
    public static nint AddressOf(StoredPiece piece, nint weight) => weight + (nint)(piece.First * piece.Shape.Columns * sizeof(ushort));

    /// <summary>Queues the kernel for a piece that lies on the device.</summary>
    public void Place(CudaStream stream, StoredPiece piece, nint stored, nint weight)
    {
        var (x, y) = GridOf(piece);
        var (rows, columns) = ((int)piece.Shape.Rows, (int)piece.Shape.Columns);
        KernelArgument[] last = piece.Order == StoredOrder.Columns ? [piece.Count, rows, columns] : [piece.Count * columns, columns];
        _kernels[(piece.Order, piece.Tensor.Type)].Launch(stream, (x, y, 1), Threads, 0, [stored, weight, (int)piece.First, .. last]);
    }

    /// <summary>Blocks: a thread an element, or a tile of 32 x 32 where columns are turned.</summary>
    public static (int X, int Y) GridOf(StoredPiece piece) => piece.Order == StoredOrder.Columns
        ? (Blocks(piece.Count, Tile), Blocks((int)piece.Shape.Rows, Tile))
        : (Blocks(piece.Count * (int)piece.Shape.Columns, Threads), 1);

    private static int Blocks(int count, int each) => (count + each - 1) / each;

    private static string NameOf(StoredOrder order, ElementType type)
    {
        var what = order switch { StoredOrder.Rows => "rows", StoredOrder.InterleavedRows => "interleaved_rows", _ => "columns" };
        return $"{what}_{type switch { ElementType.Float32 => "f32", ElementType.Float16 => "f16", _ => "bf16" }}";
    }
}
