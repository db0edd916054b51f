using System.Net;
using System.Net.Sockets;
using Pipeline.Coordinator.Stages.Discovery;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Stages.Discovery;

public class WorkerAddressTests
{
    private readonly List<string> _asked = [];

    [Fact]
    public async Task Find_EveryTime_AsksAnew()
    {
        var now = IPAddress.Parse("10.0.0.1");
        Task<IPAddress[]> LookUp(string host, CancellationToken cancellationToken)
        {
            _asked.Add(host);
            return Task.FromResult<IPAddress[]>([now]);
        }

        Assert.Equal("10.0.0.1:50051", await FindAsync(LookUp, attempt: 0));
        now = IPAddress.Parse("10.0.0.2");
        Assert.Equal("10.0.0.2:50051", await FindAsync(LookUp, attempt: 0));
        Assert.Equal(["stage-2.stage", "stage-2.stage"], _asked);
    }

    /// <summary>A host with two kinds of addresses may listen on one of them only.</summary>
    [Fact]
    public async Task Find_SeveralAddresses_GivesEachInTurn()
    {
        IPAddress[] addresses = [IPAddress.IPv6Loopback, IPAddress.Loopback];

        Assert.Equal(
            ["[::1]:50051", "127.0.0.1:50051", "[::1]:50051"],
            await Task.WhenAll(Enumerable.Range(0, 3).Select(attempt => FindAsync((_, _) => Task.FromResult(addresses), attempt))));
    }

    [Fact]
    public async Task Find_UnknownName_SaysWhichAndWhy()
    {
        var failure = await Assert.ThrowsAsync<StageException>(() => FindAsync((_, _) => throw new SocketException((int)SocketError.HostNotFound), attempt: 0));

        Assert.Equal((StageError.Unreachable, 2), (failure.Error, failure.StageIndex));
        Assert.StartsWith("stage-2.stage cannot be resolved: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Find_NameWithoutAddress_SaysSo()
    {
        var failure = await Assert.ThrowsAsync<StageException>(() => FindAsync((_, _) => Task.FromResult<IPAddress[]>([]), attempt: 0));

        Assert.Equal("stage-2.stage cannot be resolved: it has no address", failure.Message);
    }

    private static Task<string> FindAsync(NameLookup lookup, int attempt) =>
        WorkerAddress.FindAsync(lookup, "stage-2.stage:50051", stage: 2, attempt, TestContext.Current.CancellationToken);
}
