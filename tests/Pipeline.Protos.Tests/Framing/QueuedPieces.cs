using Grpc.Core;
using Pipeline.Protos.Framing;

namespace Pipeline.Protos.Tests.Framing;

/// <summary>A Forward call's incoming side that plays prepared pieces and then ends.</summary>
internal sealed class QueuedPieces(IEnumerable<ForwardPiece> pieces) : IAsyncStreamReader<ForwardPiece>
{
    private readonly Queue<ForwardPiece> _pieces = new(pieces);

    public ForwardPiece Current { get; private set; } = new();

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var any = _pieces.TryDequeue(out var next);
        Current = next ?? new ForwardPiece();
        return Task.FromResult(any);
    }
}
