using System.Runtime.InteropServices;
using Pipeline.Model.Caching;
using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>
/// Draws a step's tokens on the device. A row's parameters travel with the step's other numbers, so a recorded step draws
/// whatever is asked of it. Adjustments are copied before the step, tokens and reports after it; on the device they lie at
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
    private readonly DeviceMemory _reports;
    private readonly DeviceMemory _adjustments;
    private readonly StagedUpload _list;
    private readonly DeviceMemory _adjusted;
    private IReadOnlyList<SamplingChoice> _choices = [];

    /// <param name="rows">Tokens that a step can draw at most.</param>
    public CudaSampler(KernelLibrary library, CudaStream stream, int vocabulary, int rows)
    {
        (_library, _stream, _vocabulary) = (library, stream, vocabulary);
        _tokens = new DeviceMemory((long)rows * sizeof(int), stream);
        var reports = Math.Min(rows, SamplingChoices.MostReports);
        _reports = new DeviceMemory((long)reports * sizeof(SamplingReport), stream);
        _adjustments = new DeviceMemory((long)MostAdjustments * sizeof(ScoreAdjustment), stream);
        _list = new StagedUpload(stream, MostAdjustments * sizeof(ScoreAdjustment));
        _adjusted = new DeviceMemory((long)RowsAtOnce * vocabulary * sizeof(float), stream);
    }

    /// <summary>Bytes that went from and to the host for the steps so far, parameters not counted: those travel with the step.</summary>
    public (long ToDevice, long ToHost) Copied { get; private set; }

    /// <summary>What a step draws, and the copy of what that takes; null when the CPU has to score the step. Not to be recorded.</summary>
    public IReadOnlyList<SamplingChoice>? Prepare(StepLayout layout)
    {
        var adjustments = new AdjustmentList(MemoryMarshal.Cast<byte, ScoreAdjustment>(_list.Write()));
        if (SamplingChoices.Of(layout, _vocabulary, ref adjustments) is not { } choices)
        {
            return null;
        }

        _choices = choices;
        if (adjustments.Count > 0)
        {
            var bytes = (long)adjustments.Count * sizeof(ScoreAdjustment);
            _list.Copy(_adjustments.Pointer, bytes);
            Copied = (Copied.ToDevice + bytes, Copied.ToHost);
        }

        return choices;
    }

    /// <summary>Draws tokens; can be recorded for as many rows as there is room for adjusted scores.</summary>
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
    }

    /// <summary>Behind the step: brings what was drawn to the host, with the reports if there are any. Not to be recorded.</summary>
    /// <param name="step">Keeps the memory.</param>
    public DrawnTokens Bring(PinnedPool pool, QueuedStep step)
    {
        var tokens = step.Keep(pool.Rent(_choices.Count * sizeof(int)));
        CopyToHost(tokens, _tokens, _choices.Count * sizeof(int));
        if (!_choices.Any(choice => choice.Sampling.Logprobs is not null))
        {
            return new DrawnTokens(_choices, tokens, null);
        }

        var reports = step.Keep(pool.Rent(_choices.Count * sizeof(SamplingReport)));
        CopyToHost(reports, _reports, _choices.Count * sizeof(SamplingReport));
        return new DrawnTokens(_choices, tokens, reports);
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

        _list.Dispose();
    }

    private void CopyToHost(PinnedMemory to, DeviceMemory from, int bytes)
    {
        _stream.CopyToHost(to.Pointer, from.Pointer, bytes);
        Copied = (Copied.ToDevice, Copied.ToHost + bytes);
    }
}
