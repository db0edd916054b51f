namespace Pipeline.Coordinator.Cli;

/// <summary>What the process tells its caller. Every command uses these and no others.</summary>
internal enum ExitCode
{
    Success = 0,

    /// <summary>The command ran and the answer is no: outputs differ, generation failed, the plan does not fit, standard output cannot be written. Also a defect of our own.</summary>
    Failure = 1,

    /// <summary>Unknown flag, no such model, unreadable file: nothing was started.</summary>
    BadInput = 2,

    /// <summary>A stage failed or cannot be reached. Also a checkpoint that a stage finds damaged while it loads: only stages read weights.</summary>
    StageFailed = 3,

    /// <summary>Ctrl-C or SIGTERM.</summary>
    Interrupted = 130,

    /// <summary>Nobody reads standard output any more: what a shell reports of programs that SIGPIPE ends.</summary>
    OutputClosed = 141,
}
