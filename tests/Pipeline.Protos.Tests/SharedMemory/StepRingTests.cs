using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.SharedMemory;

/// <summary>Steps through memory: the same bytes in the same order, slots taken again only when they are free, and ends on both sides.</summary>
[Collection("rings")] // one counts what the process holds
public class StepRingTests
{
    private const int Width = 24;
    private const int MaxRows = 40;
    private const int Slots = 4;

    private static readonly FrameLimits Inner = new(ExpectsHidden: true, MaxRows, Width, ElementType.BFloat16);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Steps_OfAllSizes_ArriveAsTheyWereWritten(int alertnessMilliseconds)
    {
        using var writer = RingWriter.Create(MaxRows, Width, ElementType.BFloat16);
        using var reader = RingReader.Open(writer.Address);
        var steps = reader.Start(Inner, TimeSpan.FromMilliseconds(alertnessMilliseconds));
        var random = new Random(7);
        var rows = Enumerable.Range(0, 300).Select(index => index == 5 ? MaxRows : random.Next(0, MaxRows + 1)).ToArray();
        var writing = Task.Run(
            () =>
            {
                for (var index = 0; index < rows.Length; index++)
                {
                    using var hidden = Hidden(rows[index], seed: index);
                    writer.Write(Step(index, rows[index]), hidden, Token);
                }

                reader.Complete();
            },
            Token);

        var read = 0;
        await foreach (var step in steps.ReadAllAsync(Token))
        {
            using (step)
            {
                using var expected = Hidden(rows[read], seed: read);
                Assert.Equal(CanonicalText.Of(Step(read, rows[read])), CanonicalText.Of(step.Microbatch));
                Assert.Equal((rows[read], Width, ElementType.BFloat16), (step.Hidden!.Rows, step.Hidden.Width, step.Hidden.ElementType));
                Assert.Equal(expected.Bytes.ToArray(), step.Hidden.Bytes.ToArray());
            }

            read++;
        }

        await writing;
        Assert.Equal(rows.Length, read);
    }

    [Fact]
    public async Task Slots_InUse_AreNotWrittenUntilGivenBack()
    {
        using var writer = RingWriter.Create(MaxRows, Width, ElementType.BFloat16);
        using var reader = RingReader.Open(writer.Address);
        var steps = reader.Start(Inner, TimeSpan.Zero);
        List<StageInput> held = [];
        for (var index = 0; index < Slots; index++)
        {
            using var hidden = Hidden(3, seed: index);
            Assert.True(writer.TryWrite(Step(index, 3), hidden));
            held.Add(await steps.ReadAsync(Token));
        }

        await Task.Run(() => { }, Token); // so far this ran in the reading thread, which now comes round to the slots in use
        using var next = Hidden(3, seed: 99);
        Assert.False(writer.TryWrite(Step(Slots, 3), next));
        for (var index = 0; index < Slots; index++)
        {
            using var expected = Hidden(3, seed: index);
            Assert.Equal(expected.Bytes.ToArray(), held[index].Hidden!.Bytes.ToArray());
        }

        var waiting = Task.Run(() => writer.Write(Step(Slots, 3), next, Token), Token);
        held[1].Dispose(); // in turn: another slot's freedom does not help
        Assert.False(writer.TryWrite(Step(Slots, 3), next));
        held[0].Dispose();
        held[0].Dispose(); // twice frees once
        await waiting;
        using var step = await steps.ReadAsync(Token);
        Assert.Equal(Slots, step.Microbatch.Step);
        Assert.Equal(next.Bytes.ToArray(), step.Hidden!.Bytes.ToArray());
    }

    /// <summary>Hidden states on a device: only the slot's number travels, and the slot is kept until the reader has read it.</summary>
    [Fact]
    public async Task Steps_WithHiddenStatesOnADevice_TellTheSlotAndKeepIt()
    {
        using var writer = RingWriter.Create(MaxRows, Width, ElementType.BFloat16);
        using var reader = RingReader.Open(writer.Address);
        var steps = reader.Start(Inner, new FakeInbox(7), TimeSpan.Zero);
        List<int> freed = [];
        for (var index = 0; index < Slots; index++)
        {
            using var hidden = new HiddenStates(3, Width, ElementType.BFloat16, new FakeSlot(index + 2, freed.Add));
            Assert.True(writer.TryWrite(Step(index, 3), hidden));
        }

        Assert.Empty(freed);
        for (var index = 0; index < Slots; index++)
        {
            using var step = await steps.ReadAsync(Token);
            Assert.Equal((index + 2, 3, Width), (step.Hidden!.DeviceSlot!.Index, step.Hidden.Rows, step.Hidden.Width));
        }

        Assert.Empty(freed); // read, but the writer has not come round yet
        using var onHost = Hidden(3, seed: 1);
        writer.Write(Step(Slots, 3), onHost, Token);
        Assert.Equal([2], freed);
        using var last = await steps.ReadAsync(Token);
        Assert.Null(last.Hidden!.DeviceSlot);
        Assert.Equal(onHost.Bytes.ToArray(), last.Hidden.Bytes.ToArray());
        writer.Dispose();
        Assert.Equal([2, 3, 4, 5], freed);
        reader.Complete();
        await reader.FinishAsync();
    }

    [Theory]
    [InlineData(7, true)]  // slots 0 to 6 are known
    [InlineData(-2, true)] // on the wire -1
    [InlineData(0, false)] // none were agreed on
    public async Task Read_SlotThatIsNotThere_IsMalformed(int slot, bool hasInbox)
    {
        using var writer = RingWriter.Create(MaxRows, Width, ElementType.BFloat16);
        using var reader = RingReader.Open(writer.Address);
        using var hidden = new HiddenStates(3, Width, ElementType.BFloat16, new FakeSlot(slot, _ => { }));
        writer.TryWrite(Step(1, 3), hidden);
        var steps = reader.Start(Inner, hasInbox ? new FakeInbox(7) : null, TimeSpan.Zero);
        var failure = await Assert.ThrowsAsync<StageException>(async () => await steps.ReadAllAsync(Token).ToListAsync(Token));
        Assert.Equal(StageError.Malformed, failure.Error);
        Assert.Contains($"slot {slot + 1} of device memory", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_CancelledWhileNoSlotIsFree_Ends()
    {
        using var writer = RingWriter.CreateForTokens();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        for (var index = 0; index < Slots; index++)
        {
            Assert.True(writer.TryWrite(Step(index, 1), null));
        }

        var waiting = Task.Run(() => writer.Write(Step(Slots, 1), null, stop.Token), Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task Read_WhatWasWrittenBeforeTheEnd_IsNotLost()
    {
        using var writer = RingWriter.CreateForTokens();
        using var reader = RingReader.Open(writer.Address);
        for (var index = 0; index < Slots; index++)
        {
            writer.TryWrite(Step(index, 1), null);
        }

        reader.Complete();
        var steps = await reader.Start(Inner with { ExpectsHidden = false }, TimeSpan.Zero).ReadAllAsync(Token).ToListAsync(Token);
        Assert.Equal([0, 1, 2, 3], steps.Select(step => step.Microbatch.Step));
        Assert.True(writer.TryWrite(Step(4, 1), null), "steps without hidden states give their slots back at once");
    }

    [Fact]
    public async Task Read_WriterFails_EndsWithItsFailure()
    {
        using var writer = RingWriter.CreateForTokens();
        using var reader = RingReader.Open(writer.Address);
        var steps = reader.Start(Inner, TimeSpan.Zero);
        reader.Complete(new StageException(StageError.StageLost, "gone"));
        var failure = await Assert.ThrowsAsync<StageException>(async () => await steps.ReadAllAsync(Token).ToListAsync(Token));
        Assert.Equal(StageError.StageLost, failure.Error);
    }

    [Fact]
    public async Task HiddenStates_OutliveTheRing()
    {
        StageInput step;
        using (var writer = RingWriter.Create(MaxRows, Width, ElementType.BFloat16))
        using (var reader = RingReader.Open(writer.Address))
        {
            using var hidden = Hidden(MaxRows, seed: 1);
            writer.TryWrite(Step(0, MaxRows), hidden);
            step = await reader.Start(Inner, TimeSpan.Zero).ReadAsync(Token);
            reader.Complete();
            await reader.FinishAsync();
        }

        using var expected = Hidden(MaxRows, seed: 1);
        Assert.Equal(expected.Bytes.ToArray(), step.Hidden!.Bytes.ToArray());
        step.Dispose();
    }

    [Theory]
    [InlineData(MaxRows + 1, Width, ElementType.BFloat16, StageError.BatchTooLarge)]
    [InlineData(3, Width - 1, ElementType.BFloat16, StageError.WrongShape)]
    [InlineData(3, Width / 2, ElementType.Float32, StageError.WrongShape)]
    [InlineData(3, Width, ElementType.Float16, StageError.WrongElementType)]
    [InlineData(0, 0, ElementType.BFloat16, StageError.WrongShape)]
    public async Task Step_OfAnotherShape_IsRefusedAndItsSlotIsFree(int rows, int width, ElementType type, StageError error)
    {
        using var writer = RingWriter.Create(2 * MaxRows, Width, ElementType.BFloat16);
        using var reader = RingReader.Open(writer.Address);
        using var hidden = width == 0 ? null : HiddenStates.Rent(rows, width, type);
        writer.TryWrite(Step(0, rows), hidden);
        var failure = await Assert.ThrowsAsync<StageException>(async () => await reader.Start(Inner, TimeSpan.Zero).ReadAllAsync(Token).ToListAsync(Token));
        Assert.Equal(error, failure.Error);
        for (var index = 0; index < Slots; index++)
        {
            Assert.True(writer.TryWrite(Step(index, 1), null));
        }
    }

    [Fact]
    public void Write_MoreThanASlotHolds_IsRefused()
    {
        using var writer = RingWriter.Create(1, Width, ElementType.BFloat16);
        using var hidden = HiddenStates.Rent(MaxRows * 100, Width, ElementType.BFloat16);
        Assert.Equal(StageError.BatchTooLarge, Assert.Throws<StageException>(() => writer.TryWrite(Step(0, 1), hidden)).Error);
        Assert.Equal(StageError.BatchTooLarge, Assert.Throws<StageException>(() => writer.TryWrite(Step(0, 9 * 1024 * 1024), null)).Error);
    }

    private static Microbatch Step(long step, int tokens) => new()
    {
        Epoch = new PlanEpoch(1),
        Step = step,
        Id = new MicrobatchId((int)(step % 3)),
        Slices = [new SequenceSlice { Sequence = new SequenceId(step + 1), FirstPosition = 5, Tokens = [.. Enumerable.Range(0, tokens)] }],
    };

    private static HiddenStates Hidden(int rows, int seed)
    {
        var hidden = HiddenStates.Rent(rows, Width, ElementType.BFloat16);
        new Random(seed).NextBytes(hidden.Bytes.Span);
        return hidden;
    }

    private sealed class FakeSlot(int index, Action<int> onDispose) : IDeviceSlot
    {
        public bool IsFilled => true;

        public int Index => index;

        public void Dispose() => onDispose(index);
    }

    private sealed class FakeInbox(int slots) : IDeviceInbox
    {
        public int SlotCount => slots;

        public IDeviceSlot Take(int index, IDisposable onRead) => new FakeSlot(index, _ => onRead.Dispose());

        public void Dispose()
        {
            // Nothing was opened.
        }
    }
}
