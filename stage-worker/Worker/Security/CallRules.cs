using Pipeline.Protos.Framing;
using Pipeline.Protos.Security;
using Pipeline.Protos.V1;

namespace Pipeline.StageWorker.Security;

/// <summary>
/// Who may call what: the coordinator controls; steps come from the stage before, and into the first stage from the coordinator.
/// The stage before may also ask who is there, and whether they share memory: it does so when it is started.
/// </summary>
internal static class CallRules
{
    private static readonly string Forward = $"/{StageDataMethods.Forward.FullName.TrimStart('/')}";
    private static readonly string[] Questions = [Path(nameof(StageControl.StageControlClient.Hello)), Path(nameof(StageControl.StageControlClient.ProbeRing))];

    public static bool Allows(PeerIdentity peer, int ownStage, string path)
    {
        var isNeighbour = ownStage > 0 && peer == PeerIdentity.Stage(ownStage - 1);
        return path == Forward
            ? isNeighbour || (ownStage == 0 && peer == PeerIdentity.Coordinator)
            : peer == PeerIdentity.Coordinator || (isNeighbour && Questions.Contains(path));
    }

    /// <summary>For people.</summary>
    public static string AllowedFor(int ownStage, string path) => string.Join(
        " and ", new[] { PeerIdentity.Coordinator, PeerIdentity.Stage(ownStage - 1) }.Where(peer => Allows(peer, ownStage, path)));

    private static string Path(string method) => $"/{StageControl.Descriptor.FullName}/{method}";
}
