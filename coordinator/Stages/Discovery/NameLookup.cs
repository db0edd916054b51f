using System.Net;

namespace Pipeline.Coordinator.Stages.Discovery;

/// <summary>Asks for the addresses of a host, anew at every call. Throws <see cref="System.Net.Sockets.SocketException"/> when there are none.</summary>
public delegate Task<IPAddress[]> NameLookup(string host, CancellationToken cancellationToken);
