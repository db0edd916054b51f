using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Pipeline.StageWorker.Hosting;

/// <summary>What <c>--listen</c> takes: an address of this host, or a name for one, and a port.</summary>
public static class ListenAddress
{
    public static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        var colon = text.LastIndexOf(':');
        if (colon <= 0
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || AddressOf(text[..colon]) is not { } address)
        {
            return false;
        }

        endPoint = new IPEndPoint(address, port);
        return true;
    }

    private static IPAddress? AddressOf(string host) => host switch
    {
        "localhost" => IPAddress.Loopback,
        "*" => IPAddress.Any,
        // Without brackets nobody can tell the last part of an IPv6 address from the port.
        ['[', .., ']'] => IPAddress.TryParse(host[1..^1], out var address) ? address : null,
        _ => !host.Contains(':', StringComparison.Ordinal) && host.Count(c => c == '.') == 3 && IPAddress.TryParse(host, out var address) ? address : null,
    };
}
