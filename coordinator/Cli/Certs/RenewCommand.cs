using System.CommandLine;
using Pipeline.Coordinator.Certificates;
using Pipeline.Protos.Security;

namespace Pipeline.Coordinator.Cli.Certs;

/// <summary><c>coordinator certs renew</c>: new certificates and keys from the authority that is there.</summary>
internal static class RenewCommand
{
    public static Command Create(Terminal terminal, TimeProvider timeProvider)
    {
        var folder = new Argument<string>("dir") { Description = "Folder that certs init has written", HelpName = "DIR" };
        var stages = new Option<int>("--stages", "-pp") { Description = "Stages to have certificates for, if they are to become more", HelpName = "N", CustomParser = Parsers.Integer(1, CertificateSet.MostStages) };
        var days = CertsOptions.Days("Days until the new certificates expire");
        var hosts = CertsOptions.Hosts($"DNS name or address of a host; repeatable, beside {string.Join(", ", CertsOptions.ThisHost)} (default: those of the old certificates)");
        var command = new DocumentedCommand("renew", "Issue new certificates and keys for all processes, from the same authority.")
        {
            Notes =
            [
                "Copy each folder to where its process reads it: running ones take the new files without a restart, and whoever still",
                "shows an old certificate is let in until it expires. ca.crt stays as it is, and so does the authority; certs init --force",
                "makes another one.",
            ],
            Examples =
            [
                "coordinator certs renew certs",
                "coordinator certs renew certs --days 30 --stages 8",
            ],
        };
        command.Add(folder);
        command.Add(stages);
        command.Add(days);
        command.Add(hosts);
        command.Reports(
            terminal,
            parsed => Renew(parsed.GetRequiredValue(folder), parsed.GetValue(stages), parsed.GetValue(days), parsed.GetValue(hosts) ?? [], timeProvider.GetUtcNow()),
            Print,
            _ => ExitCode.Success);
        return command;
    }

    private static RenewReport Renew(string folder, int stages, int days, string[] hosts, DateTimeOffset now)
    {
        try
        {
            var lifetime = TimeSpan.FromDays(days);
            IReadOnlyList<string>? names = hosts.Length > 0 ? CertsOptions.WithThisHost(hosts) : null;
            return new RenewReport(CertificateSet.Renew(folder, stages, names, lifetime, now), now + lifetime);
        }
        catch (CertificateException exception)
        {
            throw new UserErrorException($"cannot renew: {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot write certificates into {folder}: {exception.Message}");
        }
    }

    private static void Print(RenewReport report, Terminal terminal)
    {
        foreach (var renewed in report.Renewed)
        {
            terminal.Output.WriteLine(renewed.Folder);
        }

        terminal.Error.WriteLine($"valid until {report.ValidUntil:u}; running processes take new files without a restart, copy each folder to its host");
    }
}
