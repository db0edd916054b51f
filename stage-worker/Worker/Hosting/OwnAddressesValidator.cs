using System.Net;
using Microsoft.Extensions.Options;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Work and probes want an address each: what lets no stranger in, and what answers everybody.</summary>
public sealed class OwnAddressesValidator : IValidateOptions<WorkerOptions>
{
    public ValidateOptionsResult Validate(string? name, WorkerOptions options) =>
        options.HealthListen is { } health && ListenAddress.TryParse(options.Listen, out var own) && ListenAddress.TryParse(health, out var probed) && Overlap(own, probed)
            ? ValidateOptionsResult.Fail($"--listen {options.Listen} and --health-listen {health} want the same port; give one of them another")
            : ValidateOptionsResult.Success;

    /// <summary>Port 0 is a different one each time.</summary>
    private static bool Overlap(IPEndPoint one, IPEndPoint other) =>
        one.Port == other.Port && one.Port != 0 && (one.Address.Equals(other.Address) || IsAny(one.Address) || IsAny(other.Address));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
