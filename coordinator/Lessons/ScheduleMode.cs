namespace Pipeline.Coordinator.Lessons;

/// <summary>What the microbatches of a schedule depend on.</summary>
public enum ScheduleMode
{
    /// <summary>All microbatches are there from the start, as the chunks of prompts are.</summary>
    Prefill,

    /// <summary>A microbatch's next step waits for the token that its last step produced at the end of the pipe.</summary>
    Decode,
}
