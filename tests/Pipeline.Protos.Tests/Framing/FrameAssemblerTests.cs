using Pipeline.Protos.Framing;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;
using ElementType = Pipeline.Shared.Models.ElementType;

namespace Pipeline.Protos.Tests.Framing;

/// <summary>Pieces become steps or a typed refusal, and every buffer is given back exactly once.</summary>
public class FrameAssemblerTests
{
    private const int Rows = 3;
    private const int Width = 4;
    private const int Bytes = Rows * Width * 2;

    private static readonly FrameLimits Inner = new(ExpectsHidden: true, MaxRows: 8, Width, ElementType.BFloat16);
    private static readonly FrameLimits First = Inner with { ExpectsHidden = false };

    private readonly List<CountedOwner> _owners = [];

    [Theory]
    [InlineData(new int[] { Bytes })]
    [InlineData(new int[] { 1, Bytes - 1 })]
    [InlineData(new int[] { 7, 7, 7, 3 })]
    public async Task Pieces_InOrder_BecomeTheTensor(int[] sizes)
    {
        var steps = await ReadAsync(Inner, [.. Split(step: 1, sizes), .. Split(step: 2, sizes)]);

        Assert.Equal([1, 2], steps.Select(step => step.Microbatch.Step));
        foreach (var step in steps)
        {
            var hidden = Assert.IsType<Shared.Batching.HiddenStates>(step.Hidden);
            Assert.Equal((Rows, Width, ElementType.BFloat16), (hidden.Rows, hidden.Width, hidden.ElementType));
            Assert.Equal(Tensor(Bytes), hidden.Bytes.ToArray());
            step.Dispose();
        }

        AssertAllGivenBack();
    }

    [Fact]
    public async Task FirstStage_GetsTokensOnly_MakesInputsWithoutHiddenStates()
    {
        var steps = await ReadAsync(First, [new ForwardPiece { Microbatch = Header(1) }, new ForwardPiece { Microbatch = Header(2), Data = default, Owner = Owner(0) }]);

        Assert.Equal([1, 2], steps.Select(step => step.Microbatch.Step));
        Assert.All(steps, step => Assert.Null(step.Hidden));
        AssertAllGivenBack();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Step_WithoutRows_IsAnEmptyTensor(bool emptyData)
    {
        var piece = new ForwardPiece { Microbatch = Header(1, rows: 0), Hidden = Shape(0, Width), Owner = emptyData ? Owner(0) : null };

        var step = Assert.Single(await ReadAsync(Inner, [piece]));

        Assert.Equal(0, step.Hidden!.Rows);
        step.Dispose();
        AssertAllGivenBack();
    }

    [Fact]
    public Task FirstPiece_WithoutHeader_IsMalformed() =>
        AssertRefusedAsync(StageError.Malformed, Inner, new ForwardPiece { Hidden = Shape(Rows, Width), Data = Tensor(Bytes), Owner = Owner(Bytes) });

    [Fact]
    public Task FirstPiece_WithBadHeader_IsMalformed()
    {
        var header = Header(1);
        header.Slices[0].Logits = 64;
        return AssertRefusedAsync(StageError.Malformed, Inner, Piece(header, Shape(Rows, Width), 0, Bytes));
    }

    [Theory]
    [InlineData(8, 10, 14)] // gap
    [InlineData(8, 6, 16)] // overlap
    [InlineData(8, 8, 17)] // too much
    [InlineData(8, 8, 0)] // nothing
    [InlineData(25, 0, 0)] // too much at once
    public Task Pieces_ThatDoNotContinue_AreMalformed(int firstBytes, int offset, int bytes) =>
        AssertRefusedAsync(StageError.Malformed, Inner, Piece(Header(1), Shape(Rows, Width), 0, firstBytes), Piece(null, null, offset, bytes));

    [Theory]
    [InlineData(Bytes)]
    [InlineData(8)]
    public Task FirstPiece_NotAtTheBeginning_IsMalformed(int bytes) =>
        AssertRefusedAsync(StageError.Malformed, Inner, Piece(Header(1), Shape(Rows, Width), 2, bytes));

    [Theory]
    [InlineData(1)]
    [InlineData(Bytes - 1)]
    public Task Stream_EndsWithinStep_IsMalformed(int bytes) =>
        AssertRefusedAsync(StageError.Malformed, Inner, Piece(Header(1), Shape(Rows, Width), 0, bytes));

    [Fact]
    public Task NewStep_WithinStep_IsMalformed() =>
        AssertRefusedAsync(StageError.Malformed, Inner, Piece(Header(1), Shape(Rows, Width), 0, 8), Piece(Header(2), Shape(Rows, Width), 0, Bytes));

    [Theory]
    [InlineData(Rows + 1, Width)]
    [InlineData(Rows - 1, Width)]
    [InlineData(Rows, Width + 1)]
    [InlineData(Width, Rows)]
    [InlineData(-Rows, -Width)]
    public Task HiddenStates_OfOtherShape_AreRefused(int rows, int width) =>
        AssertRefusedAsync(StageError.WrongShape, Inner, Piece(Header(1), Shape(rows, width), 0, Bytes));

    [Fact]
    public Task HiddenStates_Missing_AreRefused() =>
        AssertRefusedAsync(StageError.WrongShape, Inner, Piece(Header(1), null, 0, Bytes));

    [Theory]
    [InlineData(V1.ElementType.Float16, StageError.WrongElementType)]
    [InlineData(V1.ElementType.Float32, StageError.WrongElementType)]
    [InlineData(V1.ElementType.Unspecified, StageError.Malformed)]
    [InlineData((V1.ElementType)77, StageError.Malformed)]
    public Task HiddenStates_OfOtherType_AreRefused(V1.ElementType type, StageError error) =>
        AssertRefusedAsync(error, Inner, Piece(Header(1), new TensorHeader { Rows = Rows, Width = Width, ElementType = type }, 0, Bytes));

    [Fact]
    public async Task HiddenStates_AtFirstStage_AreRefused()
    {
        await AssertRefusedAsync(StageError.WrongShape, First, Piece(Header(1), Shape(Rows, Width), 0, Bytes));
        await AssertRefusedAsync(StageError.WrongShape, First, Piece(Header(1), null, 0, Bytes));
        await AssertRefusedAsync(StageError.WrongShape, First, new ForwardPiece { Microbatch = Header(1), Hidden = Shape(Rows, Width) });
    }

    [Fact]
    public Task Step_OfOneRowTooMany_IsTooLarge() =>
        AssertRefusedAsync(StageError.BatchTooLarge, Inner, Piece(Header(1, rows: 9), Shape(9, Width), 0, 9 * Width * 2));

    /// <summary>A tensor of these rows fits no buffer: to try to rent one would fail in another way.</summary>
    [Fact]
    public Task Step_OfFarTooManyRows_IsRefusedBeforeMemoryIsTaken() =>
        AssertRefusedAsync(StageError.BatchTooLarge, Inner with { Width = 1 << 20 }, Piece(Header(1, rows: 1 << 13), Shape(1 << 13, 1 << 20), 0, 8));

    private static async Task AssertRefusedAsync(StageError error, FrameLimits limits, params ForwardPiece[] pieces)
    {
        var failure = await Assert.ThrowsAsync<StageException>(() => ReadAsync(limits, pieces));

        Assert.Equal(error, failure.Error);
        var taken = pieces.Length > 1 && pieces[0].Data.Length > Bytes ? 1 : pieces.Length;
        Assert.All(pieces.Take(taken), piece => Assert.Equal(1, piece.Owner is CountedOwner owner ? owner.Disposals : 1));
    }

    private static MicrobatchHeader Header(long step, int rows = Rows) =>
        new() { Epoch = 1, Step = step, Slices = { new Slice { Sequence = 1, Tokens = { Enumerable.Range(0, rows) } } } };

    private static TensorHeader Shape(int rows, int width) => new() { Rows = rows, Width = width, ElementType = V1.ElementType.Bfloat16 };

    private static byte[] Tensor(int bytes) => [.. Enumerable.Range(1, bytes).Select(value => (byte)value)];

    private static async Task<List<StageInput>> ReadAsync(FrameLimits limits, IEnumerable<ForwardPiece> pieces)
    {
        var steps = new List<StageInput>();
        await foreach (var step in FrameAssembler.ReadAsync(new QueuedPieces(pieces), limits, TestContext.Current.CancellationToken))
        {
            steps.Add(step);
        }

        return steps;
    }

    private void AssertAllGivenBack() => Assert.All(_owners, owner => Assert.Equal(1, owner.Disposals));

    private CountedOwner Owner(int bytes)
    {
        _owners.Add(new CountedOwner(Tensor(bytes)));
        return _owners[^1];
    }

    private ForwardPiece Piece(MicrobatchHeader? microbatch, TensorHeader? hidden, long offset, int bytes)
    {
        var owner = Owner(bytes);
        return new ForwardPiece { Microbatch = microbatch, Hidden = hidden, Offset = offset, Data = owner.Memory, Owner = owner };
    }

    private List<ForwardPiece> Split(long step, int[] sizes)
    {
        var pieces = new List<ForwardPiece>();
        var offset = 0;
        foreach (var size in sizes)
        {
            var owner = new CountedOwner(Tensor(Bytes)[offset..(offset + size)]);
            _owners.Add(owner);
            pieces.Add(new ForwardPiece { Microbatch = offset == 0 ? Header(step) : null, Hidden = offset == 0 ? Shape(Rows, Width) : null, Offset = offset, Data = owner.Memory, Owner = owner });
            offset += size;
        }

        return pieces;
    }
}
