using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.EndToEnd.Tests.Serving;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>The workers that a server has launched, by stage, also after some of them have been launched again.</summary>
internal sealed class LaunchedStages(CoordinatorServer server)
{
    // Workers are started in the order of their stages, and process ids rise.
    private readonly List<int> _ids = [.. ProcessTable.ChildrenOf(server.Process.Id).Order()];

    public int Count => _ids.Count;

    public int IdOf(int stage) => _ids[stage];

    /// <summary>Kills one or several at once, and waits until the server has launched as many in their places.</summary>
    public async Task KillAsync(params int[] stages)
    {
        foreach (var stage in stages)
        {
            Signals.SendKill(_ids[stage]);
        }

        await Eventually.HoldsAsync(() => Newcomers.Count == stages.Length, () => $"other workers for {stages.Length} stages; the server says: {server.Process.Error}");
        foreach (var (stage, newcomer) in stages.Order().Zip(Newcomers))
        {
            _ids[stage] = newcomer;
        }
    }

    /// <summary>Exactly the workers that are known.</summary>
    public void AssertNoOther() => Assert.Equal(_ids.Order(), ProcessTable.ChildrenOf(server.Process.Id).Order());

    private List<int> Newcomers => [.. ProcessTable.ChildrenOf(server.Process.Id).Except(_ids).Order()];
}
