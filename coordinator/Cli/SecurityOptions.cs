using System.CommandLine;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Cli;

/// <summary>How the way to workers that run elsewhere is kept: by certificates, or not at all if the user says so.</summary>
internal sealed class SecurityOptions
{
    private readonly Option<string?> _tls = new("--tls")
    {
        Description = "Folder with ca.crt, tls.crt and tls.key of the coordinator: TLS 1.3 with certificates on both sides of every way to --workers",
        HelpName = "DIR",
    };

    private readonly Option<bool> _insecure = new("--insecure") { Description = "Allow clear text to --workers on other hosts" };

    public void AddTo(Command command)
    {
        command.Add(_tls);
        command.Add(_insecure);
    }

    public PipelineSettings Apply(ParseResult parsed, PipelineSettings settings)
    {
        var (folder, insecure) = (parsed.GetValue(_tls), parsed.GetValue(_insecure));
        return folder is not null && insecure
            ? throw new UserErrorException("--tls and --insecure exclude each other")
            : settings with { TlsFolder = folder, Insecure = insecure };
    }
}
