using System.Runtime.InteropServices;
using Google.Protobuf;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.SharedMemory;

/// <summary>Rings whose writer means no good: whatever stands in the memory, the reader takes it or refuses it by type, and lives.</summary>
[Collection("rings")]
public partial class HostileRingTests(ITestOutputHelper output)
{
    private const int Seed = 20241;
    private const int Tries = 300;
    private const int Width = 24;
    private const int MaxRows = 40;
    private static readonly FrameLimits Limits = new(ExpectsHidden: true, MaxRows, Width, ElementType.BFloat16);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Slots_SpoiledByTheWriter_AreTakenOrRefusedByType()
    {
        var random = Begin();
        var (taken, refused) = (0, 0);
        for (var i = 0; i < Tries; i++)
        {
            // Sometimes too small for what is announced.
            using var ring = SharedRing.Create(RingLayout.OfSteps(random.Next(2) * MaxRows * Width * 2));
            using var reader = RingReader.Open(ring.Address.ToString());
            var steps = reader.Start(Limits, TimeSpan.Zero);
            for (var slot = 0; slot < ring.Layout.SlotCount; slot++)
            {
                Spoil(ring, slot, random);
            }

            ring.Published.Ring();
            reader.Complete();
            (taken, refused) = await ReadAsync(steps) ? (taken + 1, refused) : (taken, refused + 1);
            await reader.FinishAsync();
        }

        output.WriteLine($"{taken} rings read to the end, {refused} refused");
        Assert.True(refused > Tries / 2, "these are hardly hostile");
        Assert.True(taken > 0, "nothing gets through, good ones neither");
    }

    /// <summary>What is checked is what is used: the writer goes on writing while the reader reads.</summary>
    [Fact]
    public async Task Slots_ChangedWhileTheyAreRead_AreTakenOrRefusedByType()
    {
        var random = Begin();
        for (var i = 0; i < 20; i++)
        {
            using var ring = SharedRing.Create(RingLayout.OfSteps(MaxRows * Width * 2));
            using var reader = RingReader.Open(ring.Address.ToString());
            var steps = reader.Start(Limits, TimeSpan.Zero);
            var end = Environment.TickCount64 + 100;
            var seed = random.Next();
            var writing = Task.Run(
                () =>
                {
                    var own = new Random(seed);
                    while (Environment.TickCount64 < end)
                    {
                        Spoil(ring, own.Next(ring.Layout.SlotCount), own);
                        ring.Published.Ring();
                    }
                },
                Token);
            var reading = ReadAsync(steps);
            await writing;
            reader.Complete();
            await reading;
            await reader.FinishAsync();
        }
    }

    [Fact]
    public void Addresses_Spoiled_AreRefusedWithAReason()
    {
        var random = Begin();
        using var ring = SharedRing.Create(RingLayout.OfSteps(0));
        var good = ring.Address.ToString();
        Assert.Equal("", RingReader.Probe(good));
        for (var i = 0; i < 5_000; i++)
        {
            var text = good.ToCharArray().ToList();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(text.Count);
                switch (random.Next(3))
                {
                    case 0:
                        text[at] = (char)random.Next(1, 256);
                        break;
                    case 1:
                        text.RemoveAt(at);
                        break;
                    default:
                        text.InsertRange(at, "99999");
                        break;
                }
            }

            var spoiled = new string([.. text]);
            Assert.True(MeansTheSame(spoiled, ring.Address) || RingReader.Probe(spoiled).Length > 0, spoiled);
        }
    }

    /// <summary>A change of nothing, of case, or from the process to one of its threads, which the system lets stand for it.</summary>
    private static bool MeansTheSame(string spoiled, RingAddress good)
    {
        try
        {
            var read = RingAddress.Parse(spoiled);
            return read with { Process = good.Process } == good && Directory.Exists($"/proc/self/task/{read.Process}");
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>A layout that does not fit the memory would send the reader beyond its end.</summary>
    [Fact]
    public unsafe void Layout_Spoiled_IsRefused()
    {
        var random = Begin();
        const int Layout = 32;
        for (var i = 0; i < 200; i++)
        {
            using var ring = SharedRing.Create(RingLayout.OfSteps(4096));
            var page = ring.Header(0) - ring.Layout.OffsetOf(0);
            var before = *(RingLayout*)(page + Layout);
            random.NextBytes(new Span<byte>(page + Layout + random.Next(16), random.Next(1, 9)));
            Assert.Equal(before == *(RingLayout*)(page + Layout), RingReader.Probe(ring.Address.ToString()).Length == 0);
        }
    }

    /// <summary>Memory that its maker may cut off would end the reader's process by a signal, which nobody can catch.</summary>
    [Fact]
    public void Memory_ThatCanBeCutOff_IsRefused()
    {
        using var ring = SharedRing.Create(RingLayout.OfSteps(0));
        Assert.NotEqual(0, Truncate(ring.Address.Descriptor, 0));

        var descriptor = CreateMemoryFile("pipeline-ring", 2);
        try
        {
            Assert.Equal(0, Truncate(descriptor, 8192));
            var refusal = RingReader.Probe((ring.Address with { Descriptor = descriptor, Length = 8192 }).ToString());
            Assert.EndsWith("is not sealed: it could be cut off while it is read", refusal, StringComparison.Ordinal);
        }
        finally
        {
            new Microsoft.Win32.SafeHandles.SafeFileHandle(descriptor, ownsHandle: true).Dispose();
        }
    }

    private Random Begin()
    {
        output.WriteLine($"seed {Seed}");
        return new Random(Seed);
    }

    /// <summary>True if all was taken; every byte that was let through is looked at.</summary>
    private static async Task<bool> ReadAsync(System.Threading.Channels.ChannelReader<StageInput> steps)
    {
        try
        {
            await foreach (var step in steps.ReadAllAsync(Token))
            {
                using (step)
                {
                    Assert.True(step.Microbatch.TokenCount <= MaxRows);
                    Assert.Equal(step.Microbatch.TokenCount * Width * 2, step.Hidden!.Bytes.ToArray().Length);
                }
            }

            return true;
        }
        catch (StageException)
        {
            return false;
        }
    }

    /// <summary>A real step, a spoiled one, or noise, with words of control that fit or do not.</summary>
    private static unsafe void Spoil(SharedRing ring, int slot, Random random)
    {
        var rows = random.Next(1, MaxRows + 3);
        var header = MicrobatchCodec.ToWire(Step(rows)).ToByteArray();
        for (var changes = random.Next(3); changes > 0; changes--)
        {
            header[random.Next(header.Length)] = (byte)random.Next(256);
        }

        header.CopyTo(new Span<byte>(ring.Header(slot), header.Length));
        ref var control = ref ring.Control(slot);
        control.HeaderBytes = Or(header.Length, random);
        control.HasHidden = Or(1, random);
        control.ElementType = Or((int)ElementTypeCodec.ToWire(ElementType.BFloat16), random);
        control.Rows = Or(rows, random);
        control.Width = Or(Width, random);
        Volatile.Write(ref control.State, Or(SlotControl.Published, random));
    }

    private static int Or(int right, Random random) => random.Next(20) switch { 0 => random.Next(int.MinValue, int.MaxValue), 1 => random.Next(-2, 200), _ => right };

    private static Microbatch Step(int tokens) => new()
    {
        Epoch = new PlanEpoch(1),
        Step = 1,
        Id = new MicrobatchId(0),
        Slices = [new SequenceSlice { Sequence = new SequenceId(1), FirstPosition = 5, Tokens = [.. Enumerable.Range(0, tokens)] }],
    };

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Truncate(int descriptor, long length);
}
