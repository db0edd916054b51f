using System.Runtime.InteropServices;
using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Caching;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// A step's numbers on the device. They are written into pinned memory and copied in one go. On the device they always lie at
/// the same place: the stream keeps the steps in order there.
/// </summary>
internal sealed class StepBuffers(CudaStream stream, KvCacheSpec spec) : IDisposable
{
    private const int LeastWords = 1 << 16;

    private StagedUpload? _host;
    private DeviceMemory? _device;
    private StepSections? _sections;

    /// <summary>Changes when the device addresses do; graphs recorded before are then void.</summary>
    public int Generation { get; private set; }

    public StepSections Sections => _sections ?? throw new InvalidOperationException("no step was uploaded yet");

    /// <summary>Device address of a section.</summary>
    public nint At(int word) => _device!.Pointer + (word * (nint)sizeof(int));

    /// <summary>Writes a step; <see cref="Copy"/> brings it to the device. With a bucket, tables have room for whole rings, so that every step of the bucket lies alike.</summary>
    public StepShape Write(StepLayout layout, int? bucket, IReadOnlyList<SamplingChoice> choices, StepHop hop = default)
    {
        var shape = StepShape.Of(layout, bucket);
        var segments = bucket ?? layout.Segments.Count;
        var tableWords = layout.Groups.Select((group, index) => bucket is { } size ? size * spec.Groups[index].RingBlocks : group.Tables.Length).ToArray();
        _sections = new StepSections(shape.Rows, segments, shape.DecodeRows, shape.Tiles.Count, bucket ?? choices.Count, tableWords);
        Reserve(_sections.Words);
        Write(layout, shape, segments, bucket is not null, choices, hop);
        return shape;
    }

    /// <summary>Queues the copy of what was written last. Not to be recorded.</summary>
    public void Copy() => _host!.Copy(_device!.Pointer, (long)Sections.Words * sizeof(int));

    public void Dispose()
    {
        _host?.Dispose();
        _device?.Dispose();
    }

    private void Reserve(int words)
    {
        if (_device is not null && _device.Bytes >= (long)words * sizeof(int))
        {
            return;
        }

        stream.Synchronize();
        Dispose();
        var bytes = Math.Max(LeastWords, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)words)) * sizeof(int);
        _host = new StagedUpload(stream, bytes);
        _device = new DeviceMemory(bytes, stream);
        Generation++;
    }

    private void Write(StepLayout layout, StepShape shape, int segments, bool isPadded, IReadOnlyList<SamplingChoice> choices, StepHop hop)
    {
        var words = MemoryMarshal.Cast<byte, int>(_host!.Write());
        var sections = Sections;
        MemoryMarshal.Write(MemoryMarshal.AsBytes(words[sections.Hop..]), hop);
        Fill(words, sections.Tokens, layout.Tokens, shape.Rows, 0);
        Fill(words, sections.Positions, layout.Positions, shape.Rows, 0);
        Fill(words, sections.Segments, layout.SegmentOfRow, shape.Rows, 0);
        int[] single = [.. layout.Segments.Where(segment => segment.IsDecode).Select(segment => segment.FirstRow)];
        Fill(words, sections.DecodeRows, single, shape.DecodeRows, -1);
        for (var i = 0; i < shape.Tiles.Count; i++)
        {
            var (segment, firstRow, rows, firstPosition) = shape.Tiles[i];
            ReadOnlySpan<int> tile = [segment, firstRow, rows, firstPosition];
            tile.CopyTo(words[(sections.Tiles + (i * StepSections.TileWords))..]);
        }

        for (var i = 0; i < (isPadded ? segments : choices.Count); i++)
        {
            WriteChoice(words.Slice(sections.Choices + (i * StepSections.ChoiceWords), StepSections.ChoiceWords), i < choices.Count ? choices[i] : SamplingChoice.Padding);
        }

        for (var group = 0; group < layout.Groups.Count; group++)
        {
            WriteGroup(words, layout.Groups[group], group, shape.Rows, segments, isPadded, single);
        }
    }

    private void WriteGroup(Span<int> words, GroupLayout group, int index, int rows, int segments, bool isPadded, int[] single)
    {
        Fill(words, Sections.Slots[index], group.Slots, rows, -1);
        foreach (var row in single)
        {
            words[Sections.Slots[index] + row] = -1;
        }

        if (!isPadded)
        {
            Fill(words, Sections.TableOffsets[index], group.TableOffsets, segments, 0);
            group.Tables.CopyTo(words[Sections.Tables[index]..]);
            return;
        }

        var ring = spec.Groups[index].RingBlocks;
        for (var s = 0; s < segments; s++)
        {
            words[Sections.TableOffsets[index] + s] = s * ring;
            if (s < group.TableOffsets.Length)
            {
                var end = s + 1 < group.TableOffsets.Length ? group.TableOffsets[s + 1] : group.Tables.Length;
                group.Tables.AsSpan(group.TableOffsets[s]..end).CopyTo(words[(Sections.Tables[index] + (s * ring))..]);
            }
        }
    }

    /// <summary>One row's parameters as sampling.cu reads them.</summary>
    internal static void WriteChoice(Span<int> words, SamplingChoice choice)
    {
        var (sampling, position, adjustments) = choice;
        MemoryMarshal.Write(MemoryMarshal.AsBytes(words), sampling.Seed);
        words[2] = position;
        words[3] = BitConverter.SingleToInt32Bits(sampling.Temperature);
        words[4] = sampling.TopK;
        words[5] = BitConverter.SingleToInt32Bits(sampling.TopP);
        words[6] = BitConverter.SingleToInt32Bits(sampling.MinP);
        words[7] = sampling.Logprobs ?? -1;
        words[8] = BitConverter.SingleToInt32Bits(sampling.RepetitionPenalty);
        words[9] = BitConverter.SingleToInt32Bits(sampling.PresencePenalty);
        words[10] = BitConverter.SingleToInt32Bits(sampling.FrequencyPenalty);
        (words[11], words[12], words[13], words[14]) = (adjustments.Seen, adjustments.Biased, adjustments.Banned, adjustments.End);
        words[15] = 0;
    }

    private static void Fill(Span<int> words, int at, int[] values, int count, int padding)
    {
        values.CopyTo(words[at..]);
        words[(at + values.Length)..(at + Math.Max(count, values.Length))].Fill(padding);
    }
}
