namespace Pipeline.Protos.Security;

/// <summary>Certificates that cannot be used: one clause with the file and what is wrong with it.</summary>
public sealed class CertificateException(string message, Exception? inner = null) : Exception(message, inner);
