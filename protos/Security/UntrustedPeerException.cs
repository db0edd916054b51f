namespace Pipeline.Protos.Security;

/// <summary>Whoever answered is not whom the caller means; the message says who it is.</summary>
internal sealed class UntrustedPeerException(string message, Exception inner) : Exception(message, inner);
