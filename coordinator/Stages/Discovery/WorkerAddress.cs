using System.Net;
using System.Net.Sockets;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages.Discovery;

/// <summary>
/// The address behind a worker's name at this moment. A restarted pod has another one, and what a neighbour's resolver remembers may
/// be older than what was found here: so stages are told the address that the coordinator has reached, not the name.
/// </summary>
internal static class WorkerAddress
{
    /// <param name="name">host:port.</param>
    /// <param name="attempt">Counts up; a name with several addresses gives each in turn.</param>
    public static async Task<string> FindAsync(NameLookup lookup, string name, int stage, int attempt, CancellationToken cancellationToken)
    {
        var colon = name.LastIndexOf(':');
        var port = int.Parse(name.AsSpan(colon + 1), provider: System.Globalization.CultureInfo.InvariantCulture);
        var addresses = await LookUpAsync(lookup, name[..colon], stage, cancellationToken);
        return new IPEndPoint(addresses[attempt % addresses.Length], port).ToString();
    }

    private static async Task<IPAddress[]> LookUpAsync(NameLookup lookup, string host, int stage, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await lookup(host, cancellationToken);
            return addresses.Length > 0 ? addresses : throw Unknown("it has no address");
        }
        catch (SocketException exception)
        {
            throw Unknown(exception.Message, exception);
        }

        StageException Unknown(string why, Exception? inner = null) => new(StageError.Unreachable, $"{host} cannot be resolved: {why}", stage, inner);
    }
}
