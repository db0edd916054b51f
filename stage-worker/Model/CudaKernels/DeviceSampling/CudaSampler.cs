using System.Runtime.InteropServices;
using Pipeline.Model.Caching;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Sampling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>
/// Draws a step's tokens on the device. A row's parameters travel with the step's other numbers, so a recorded step draws
/// whatever is asked of it. Adjustments are copied before the step and reports after it, in steps that have any; they lie at
/// fixed places, so the recorded step knows where. The logits never leave the device.
/// </summary>
internal sealed unsafe class CudaSampler : IDisposable
{
    /// <summary>Adjustments of one step, 2 MiB: 4096 distinct tokens in each of 64 sequences. The CPU scores steps beyond.</summary>
    public const int MostAdjustments = 1 << 18;

    private const int Threads = 1024;
    private const int RowsAtOnce = 64; // of adjusted scores

    private readonly KernelLibrary _library;
    private readonly CudaStream _stream;
    private readonly int _vocabulary;
    private readonly DeviceMemory _tokens;
    private readonly PinnedMemory _drawn;
    private readonly DeviceMemory _reports;
    private readonly PinnedMemory _told;
    private readonly DeviceMemory _adjustments;
    private readonly PinnedMemory _list;
    private readonly DeviceMemory _adjusted;
    private IReadOnlyList<SamplingChoice> _choices = [];

    /// <param name="rows">Tokens that a step can draw at most.</param>
    public CudaSampler(KernelLibrary library, CudaStream stream, int vocabulary, int rows)
    {
        (_library, _stream, _vocabulary) = (library, stream, vocabulary);
        _tokens = new DeviceMemory((long)rows * sizeof(int), stream);
        _drawn = new PinnedMemory(rows * sizeof(int), giveBack: null);
        var reports = Math.Min(rows, SamplingChoices.MostReports);
        _reports = new DeviceMemory((long)reports * sizeof(SamplingReport), stream);
        _told = new PinnedMemory(reports * sizeof(SamplingReport), giveBack: null);
        _adjustments = new DeviceMemory((long)MostAdjustments * sizeof(ScoreAdjustment), stream);
        _list = new PinnedMemory(MostAdjustments * sizeof(ScoreAdjustment), giveBack: null);
        _adjusted = new DeviceMemory((long)RowsAtOnce * vocabulary * sizeof(float), stream);
    }

    /// <summary>Bytes that went from and to the host for the steps so far, parameters not counted: those travel with the step.</summary>
    public (long ToDevice, long ToHost) Copied { get; private set; }

    /// <summary>What a step draws, and the copy of what that takes; null when the CPU has to score the step. Not to be recorded.</summary>
    public IReadOnlyList<SamplingChoice>? Prepare(StepLayout layout)
    {
        var adjustments = new AdjustmentList(MemoryMarshal.Cast<byte, ScoreAdjustment>(_list.GetSpan()));
        if (SamplingChoices.Of(layout, _vocabulary, ref adjustments) is not { } choices)
        {
            return null;
        }

        _choices = choices;
        if (adjustments.Count > 0)
        {
            ToDevice(_adjustments.Pointer, _list.Pointer, (long)adjustments.Count * sizeof(ScoreAdjustment));
        }

        return choices;
    }

    /// <summary>Draws tokens and brings them to the host; can be recorded for as many rows as there is room for adjusted scores.</summary>
    /// <param name="logits">bf16 <c>[rows, vocabulary]</c> on the device.</param>
    /// <param name="choices">One for each row, on the device.</param>
    public void Sample(nint logits, nint choices, int rows)
    {
        // Without adjustments no row needs the room for them. A recorded step cannot know: it never has more rows than there is room for.
        var atOnce = _choices.Any(choice => !choice.Adjustments.IsEmpty) ? RowsAtOnce : rows;
        for (var first = 0; first < rows; first += atOnce)
        {
            _library.Function("sampling", "sample").Launch(
                _stream, (Math.Min(atOnce, rows - first), 1, 1), Threads, 0,
                logits + ((nint)first * _vocabulary * sizeof(ushort)),
                choices + ((nint)first * StepSections.ChoiceWords * sizeof(int)),
                _tokens.Pointer + (first * sizeof(int)),
                _vocabulary,
                _adjustments.Pointer,
                _adjusted.Pointer,
                _reports.Pointer + (first * sizeof(SamplingReport)));
        }

        _stream.CopyToHost(_drawn.Pointer, _tokens.Pointer, rows * sizeof(int));
    }

    /// <summary>Behind the step: brings the reports to the host if there are any. Not to be recorded.</summary>
    public void Report()
    {
        Copied = (Copied.ToDevice, Copied.ToHost + (_choices.Count * sizeof(int)));
        if (_choices.Any(choice => choice.Sampling.Logprobs is not null))
        {
            var bytes = (long)_choices.Count * sizeof(SamplingReport);
            _stream.CopyToHost(_told.Pointer, _reports.Pointer, bytes);
            Copied = (Copied.ToDevice, Copied.ToHost + bytes);
        }
    }

    /// <summary>What was drawn for a row, once the stream has come to its end.</summary>
    public SampledToken TokenOf(int row)
    {
        var token = MemoryMarshal.Cast<byte, int>(_drawn.GetSpan())[row];
        if (token < 0)
        {
            throw Sampler.NotFinite();
        }

        return _choices[row].Sampling.Logprobs is null
            ? new SampledToken(token, null, [])
            : MemoryMarshal.Cast<byte, SamplingReport>(_told.GetSpan())[row].Of(token);
    }

    /// <summary>For tests: nothing of what the kernel writes is left over from before.</summary>
    internal void Poison()
    {
        foreach (var memory in (DeviceMemory[])[_tokens, _reports, _adjusted])
        {
            _stream.Fill(memory.Pointer, 0xcd, memory.Bytes);
        }
    }

    public void Dispose()
    {
        foreach (var memory in (DeviceMemory[])[_tokens, _reports, _adjustments, _adjusted])
        {
            memory.Dispose();
        }

        foreach (var memory in (PinnedMemory[])[_drawn, _told, _list])
        {
            memory.Free();
        }
    }

    private void ToDevice(nint to, nint from, long bytes)
    {
        _stream.CopyToDevice(to, from, bytes);
        Copied = (Copied.ToDevice + bytes, Copied.ToHost);
    }
}
