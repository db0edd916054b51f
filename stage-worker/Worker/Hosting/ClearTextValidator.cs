using Microsoft.Extensions.Options;
using Pipeline.Protos.Clients;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Whoever reaches the port can read and command the stage: beyond this host that takes certificates, or the user's word.</summary>
public sealed class ClearTextValidator : IValidateOptions<WorkerOptions>
{
    public ValidateOptionsResult Validate(string? name, WorkerOptions options)
    {
        if (options is { Tls: not null, Insecure: true })
        {
            return ValidateOptionsResult.Fail("--tls and --insecure exclude each other");
        }

        return options is { Tls: null, Insecure: false } && ListenAddress.TryParse(options.Listen, out var endPoint) && !StageChannels.IsLoopback(endPoint.Address)
            ? ValidateOptionsResult.Fail($"--listen {options.Listen} is reachable from other hosts: add --tls DIR (coordinator certs init writes certificates), or --insecure to let everybody in")
            : ValidateOptionsResult.Success;
    }
}
