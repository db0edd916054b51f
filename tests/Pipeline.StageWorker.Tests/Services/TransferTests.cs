using Pipeline.Protos.Clients;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;
using ElementType = Pipeline.Shared.Models.ElementType;

namespace Pipeline.StageWorker.Tests.Services;

/// <summary>A sequence that moves to another worker goes on there as if it had never moved.</summary>
public class TransferTests
{
    private const long Moved = 1;
    private const long Native = 2;

    /// <summary>Lengths: within the window, just beyond it, at a block's border, and with the rings wrapped more than once.</summary>
    [Theory]
    [InlineData(ElementType.Float32, 1)]
    [InlineData(ElementType.Float32, 3)]
    [InlineData(ElementType.Float32, 5)]
    [InlineData(ElementType.Float32, 12)]
    [InlineData(ElementType.Float32, 31)]
    [InlineData(ElementType.BFloat16, 3)]
    [InlineData(ElementType.BFloat16, 31)]
    public async Task Import_IntoAnotherWorker_GoesOnWithTheSameBits(ElementType type, int length)
    {
        await using var here = await TransferStage.StartAsync(seed: 1, type);
        await using var there = await TransferStage.StartAsync(seed: 2, type);
        await there.GrowAsync(Native, 9);
        await here.GrowAsync(Moved, length);
        var exported = await here.ExportAsync(Moved);
        var reply = await there.ImportAsync(there.Address(exported));
        Assert.Equal(exported[0].Header.DataBytes, reply.Bytes);
        Assert.Equal(exported[0].Header.DataBytes, exported.Sum(piece => (long)piece.Data.Length));
        Assert.NotEqual(here.TableOf(Moved, 0), there.TableOf(Moved, 0));

        // The way back carries what arrived, bit for bit.
        Assert.Equal(exported, await there.ExportAsync(Moved));
        for (var token = 0; token < 14; token++)
        {
            // Here, where it was only looked at, the sequence is the undisturbed one.
            Same.Results((await here.NextAsync(Moved, token)).Slices, await there.NextAsync(Moved, token));
        }
    }

    /// <summary>Only what a later token still sees is moved: everything, or the last three positions of a window of four.</summary>
    [Theory]
    [InlineData(2, new[] { 0, 0, 0, 0 })]
    [InlineData(3, new[] { 0, 0, 0, 0 })]
    [InlineData(10, new[] { 0, 7, 0, 7 })]
    public async Task Export_Header_TellsWhatIsMoved(int length, int[] firstPositions)
    {
        await using var stage = await TransferStage.StartAsync(seed: 1);
        await stage.GrowAsync(Moved, length);
        var pieces = await stage.ExportAsync(Moved);
        var header = pieces[0].Header;
        Assert.Equal((1L, Moved, length, length), (header.Epoch, header.Sequence, header.Length, header.Tokens.Count));
        Assert.Equal((0, 4, 2, 16), (header.LayerStart, header.LayerEnd, header.KvHeadCount, header.HeadDim));
        Assert.Equal((Protos.V1.ElementType.Float32, 3), (header.ElementType, header.Start.PromptLength));
        Assert.Equal(firstPositions, header.FirstPositions);
        Assert.Equal(firstPositions.Sum(first => 2L * (length - first) * 2 * 16 * sizeof(float)), header.DataBytes);
        Assert.Empty(header.BlockUpdates);
        Assert.All(pieces.Skip(1), piece => Assert.Null(piece.Header));
    }

    [Theory]
    [InlineData(77, 1, StageError.UnknownSequence, "seq77 is not on this stage")]
    [InlineData(1, 2, StageError.WrongEpoch, "the transfer is of epoch 2, this stage is in epoch 1")]
    public async Task Export_WhatIsNotHere_IsRefused(long sequence, long epoch, StageError error, string message)
    {
        await using var stage = await TransferStage.StartAsync(seed: 1);
        await stage.GrowAsync(Moved, 4);
        Refusal.Is(error, message, await Refusal.OfAsync(() => stage.ExportAsync(sequence, epoch)));
        Assert.NotEmpty(await stage.ExportAsync(Moved));
    }

    /// <summary>What comes after a new start belongs to no cache any more, and must not be written into the new one.</summary>
    [Fact]
    public async Task Import_EpochEndsMeanwhile_IsRefused()
    {
        await using var stage = await TransferStage.StartAsync(seed: 1);
        await using var other = await TransferStage.StartAsync(seed: 2);
        await other.GrowAsync(Moved, 10);
        var pieces = stage.Address(await other.ExportAsync(Moved));
        var token = TestContext.Current.CancellationToken;
        using var call = stage.OpenImport();
        await call.RequestStream.WriteAsync(pieces[0], token);
        await call.RequestStream.WriteAsync(pieces[1], token);
        await stage.RestartAsync(epoch: 2);
        await Record.ExceptionAsync(() => call.RequestStream.WriteAsync(pieces[2], token));
        await Record.ExceptionAsync(call.RequestStream.CompleteAsync);
        Refusal.Is(StageError.NotReady, "the epoch ended during the transfer", await Refusal.OfAsync(() => call.ResponseAsync));
        Assert.Equal(StageError.UnknownSequence, (await Refusal.OfAsync(() => stage.ExportAsync(Moved, epoch: 2))).Error);
        pieces = stage.Address([.. pieces.Select(OfEpoch2)]);
        Assert.Equal(pieces[0].Header.DataBytes, (await stage.ImportAsync(pieces)).Bytes);
    }

    /// <summary>An import whose sender has fallen silent does not keep the worker from its next coordinator.</summary>
    [Fact]
    public async Task Import_LeaseEndsMeanwhile_Ends()
    {
        await using var worker = await TestWorker.StartAsync();
        var stage = await TestStage.StartWholeAsync(worker);
        using var call = worker.Control.ImportSequence(LeaseHeaders.Of(stage.Connection.Lease), cancellationToken: TestContext.Current.CancellationToken);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        await stage.DisposeAsync();
        var refusal = await Refusal.OfAsync(() => call.ResponseAsync.WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken));
        Refusal.Is(StageError.NotReady, "the lease has ended or the stage is stopping", refusal);
        await Eventually.IsFreeAsync(worker);
    }

    private static SequencePiece OfEpoch2(SequencePiece piece)
    {
        var copy = piece.Clone();
        if (copy.Header is { } header)
        {
            header.Epoch = 2;
            header.BlockUpdates.Clear();
        }

        return copy;
    }
}
