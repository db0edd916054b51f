using Pipeline.Protos.Security;

namespace Pipeline.StageWorker.Security;

/// <summary>Who is at the other end of a connection, proven by its certificate. A feature of the connection.</summary>
internal sealed record AuthenticatedPeer(PeerIdentity Identity, string Certificate, Handshake Handshake);
