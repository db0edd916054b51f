namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// Fills a microbatch: first the decodes of its slot, then the next chunks of admitted prompts, then new prompts, all in
/// order and as far as the token limit allows.
/// </summary>
internal sealed class StepComposer(SchedulerOptions options, AdmissionControl admission, MicrobatchRotation rotation)
{
    public StepDraft Compose(MicrobatchSlot slot)
    {
        var draft = new StepDraft(options.MaxBatchedTokens);
        AddDecodes(draft, slot);
        AddPrefill(draft);
        return draft;
    }

    /// <summary>With more decodes than tokens allowed the older go first; the younger follow when those have ended.</summary>
    private static void AddDecodes(StepDraft draft, MicrobatchSlot slot)
    {
        var ready = slot.Members.Where(sequence => sequence.IsIdle && sequence.Blocks.Covers(sequence.Length));
        foreach (var sequence in ready.Take(draft.Room).ToArray())
        {
            draft.AddDecode(sequence);
        }
    }

    private void AddPrefill(StepDraft draft)
    {
        var share = PrefillShare();
        foreach (var sequence in admission.Prefilling.ToArray())
        {
            if (!HasRoom(draft, sequence.PendingTokens, share))
            {
                return;
            }

            AddChunk(draft, sequence);
        }

        while (admission.NextAdmissible is { } next && HasRoom(draft, next.PendingTokens, share))
        {
            admission.Admit(next);
            AddChunk(draft, next.Sequence);
        }
    }

    /// <summary>
    /// Prompts that wait together are spread over the slots that carry none yet: several small microbatches fill the pipe
    /// early, one large one runs through it alone.
    /// </summary>
    private int PrefillShare() => (int)Math.Ceiling((double)admission.PendingPrefillTokens / rotation.SlotsWithoutPrefill);

    /// <summary>The share decides how many prompts travel together, never how one is cut: that is the token limit's business.</summary>
    private static bool HasRoom(StepDraft draft, int pendingTokens, int share)
    {
        var count = Math.Min(pendingTokens, draft.Room);
        return count > 0 && !draft.IsCrowded && (draft.PrefillTokens == 0 || draft.PrefillTokens + count <= share);
    }

    private static void AddChunk(StepDraft draft, Sequence sequence) => draft.AddPrefill(sequence, Math.Min(sequence.PendingTokens, draft.Room));
}
