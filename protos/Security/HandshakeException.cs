namespace Pipeline.Protos.Security;

/// <summary>Somebody answered, but no TLS connection came about, for reasons of the other side.</summary>
internal sealed class HandshakeException(string message, Exception inner) : IOException(message, inner);
