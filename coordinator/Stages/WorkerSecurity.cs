using Pipeline.Protos.Clients;
using Pipeline.Protos.Security;

namespace Pipeline.Coordinator.Stages;

/// <summary>How workers are met: with the certificates of a folder, or in clear text where that is safe or allowed.</summary>
internal static class WorkerSecurity
{
    /// <summary>What to show at every handshake; null speaks clear text. New certificates in the folder are taken without a restart.</summary>
    /// <param name="tell">Told of clear text that can be read on the way, and when certificates change.</param>
    public static Func<PeerCertificates>? Open(PipelineSettings settings, TimeProvider timeProvider, Action<string> tell)
    {
        if (settings.TlsFolder is not { } folder)
        {
            RequireSafeWay(settings, tell);
            return null;
        }

        if (settings.Workers.Count == 0)
        {
            throw new UserErrorException("--tls is for workers that run elsewhere; those launched on this host listen on its loopback only");
        }

        try
        {
            return new RotatingFiles<PeerCertificates>(
                PeerCertificates.FilesIn(folder),
                () => Read(folder, timeProvider),
                certificates => tell($"note: new certificates are in use: {certificates.Description}"),
                problem => tell($"warning: the new certificates are not used, those before stay: {problem}")).Current;
        }
        catch (CertificateException exception)
        {
            throw new UserErrorException($"--tls: {exception.Message}");
        }
    }

    /// <summary>Prompts and activations go to other hosts in clear text only if the user has said so, and then with a warning.</summary>
    private static void RequireSafeWay(PipelineSettings settings, Action<string> tell)
    {
        var exposed = settings.Workers.Where(address => !StageChannels.IsLoopback(address)).ToList();
        if (exposed.Count == 0)
        {
            return;
        }

        if (!settings.Insecure)
        {
            throw new UserErrorException(
                $"{exposed[0]} is on another host: add --tls DIR (coordinator certs init writes certificates), or --insecure to send prompts and activations in clear text");
        }

        tell($"warning: clear text to {string.Join(", ", exposed)} (--insecure): prompts, activations and tokens can be read and changed on the way");
    }

    private static PeerCertificates Read(string folder, TimeProvider timeProvider)
    {
        var certificates = PeerCertificates.Read(folder, timeProvider.GetUtcNow());
        return certificates.Identity == PeerIdentity.Coordinator
            ? certificates
            : throw new CertificateException($"{folder}: {certificates.Description} is not of the coordinator");
    }
}
