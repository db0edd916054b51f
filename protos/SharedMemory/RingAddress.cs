using System.Globalization;

namespace Pipeline.Protos.SharedMemory;

/// <summary>Where another process of the same host finds a ring. As text it goes into a call's headers.</summary>
/// <param name="Host">Tells hosts apart: made anew at each start of the system.</param>
/// <param name="Nonce">Also at the beginning of the memory: process and descriptor numbers mean something else in another container.</param>
internal sealed record RingAddress(string Host, int Process, int Descriptor, long Length, Guid Nonce)
{
    public static string ThisHost { get; } = ReadHost();

    public static RingAddress Parse(string text)
    {
        var parts = text.Split('/');
        return parts.Length == 5
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var process)
            && int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor)
            && long.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            && Guid.TryParseExact(parts[4], "N", out var nonce)
            ? new RingAddress(parts[0], process, descriptor, length, nonce)
            : throw new IOException($"'{text}' is no address of a ring");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}/{Process}/{Descriptor}/{Length}/{Nonce:N}");

    private static string ReadHost()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Environment.MachineName;
        }
    }
}
