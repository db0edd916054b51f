using System.Runtime.InteropServices;

namespace Pipeline.StageWorker.Hosting;

/// <summary>
/// Takes the process out of its parent's terminal: a Ctrl-C there is for the coordinator, which may want its workers to finish
/// what runs. The end of the parent is noticed by <see cref="ParentWatch"/>.
/// </summary>
internal static partial class OwnSession
{
    /// <summary>Fails only for the leader of a group, which has a session of its own making.</summary>
    public static void Begin() => _ = SystemSetSession();

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SystemSetSession();
}
