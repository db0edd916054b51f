using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;

namespace Pipeline.StageWorker.Security;

/// <summary>How far a connection's handshake has come, so that the one line about its refusal says what was wrong.</summary>
internal sealed class Handshake
{
    private SslProtocols? _offered;

    public bool IsComplete { get; private set; }

    /// <summary>A call has come: the peer, which looks at this side's certificate last, is content with it.</summary>
    public bool IsUsed { get; private set; }

    /// <summary>What is wrong with the peer's certificate.</summary>
    public string? Problem { get; set; }

    public static Handshake Begin(BaseConnectionContext connection)
    {
        var handshake = new Handshake();
        connection.Items[typeof(Handshake)] = handshake;
        return handshake;
    }

    public static Handshake Of(BaseConnectionContext connection) => (Handshake)connection.Items[typeof(Handshake)]!;

    public void Greet(SslProtocols offered) => _offered = offered;

    public void Complete() => IsComplete = true;

    public void Use() => IsUsed = true;

    /// <param name="shown">This side's certificate.</param>
    public string Describe(string shown)
    {
        if (Problem is not null)
        {
            return Problem;
        }

        return _offered switch
        {
            null => "it did not begin a TLS handshake (does it speak clear text?); TLS 1.3 with a certificate is wanted",
            { } offered when (offered & SslProtocols.Tls13) == 0 => $"it offers {offered}; TLS 1.3 is wanted",
            _ => $"it broke the handshake off; shown was {shown}",
        };
    }
}
