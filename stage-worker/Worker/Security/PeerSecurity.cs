using Microsoft.Extensions.Options;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Security;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Diagnostics;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.StageWorker.Security;

/// <summary>How this worker meets its peers: with certificates, or in clear text where that is allowed.</summary>
public sealed class PeerSecurity
{
    private readonly bool _isInsecure;

    /// <summary>Throws a <see cref="CertificateException"/> where the folder's certificates make no sense.</summary>
    public PeerSecurity(IOptions<WorkerOptions> options, TimeProvider timeProvider, ILogger<PeerSecurity> logger)
    {
        _isInsecure = options.Value.Insecure;
        if (options.Value.Tls is not { } folder)
        {
            return;
        }

        var files = new RotatingFiles<PeerCertificates>(
            PeerCertificates.FilesIn(folder),
            () => Read(folder, timeProvider),
            certificates => Log.CertificatesReplaced(logger, certificates.Description),
            problem => Log.CertificatesKept(logger, problem));
        Certificates = files.Current;
        StageIndex = files.Current().Identity.StageIndex;
    }

    /// <summary>Asked at every handshake; null where clear text is spoken.</summary>
    public Func<PeerCertificates>? Certificates { get; }

    /// <summary>The stage that the certificate is of; null in clear text, where a worker is whichever stage it is asked to be.</summary>
    public int? StageIndex { get; private set; }

    /// <summary>Refuses to be another stage than the one of the certificate.</summary>
    public void RequireStage(int stageIndex)
    {
        if (StageIndex is { } own && own != stageIndex)
        {
            throw new StageException(StageError.Untrusted, $"this worker's certificate is of stage {own}; it does not serve as stage {stageIndex}", own);
        }
    }

    /// <summary>Refuses to send activations to another host in clear text, unless that was allowed.</summary>
    public void RequireSafeWay(string nextAddress, int stageIndex)
    {
        if (Certificates is null && !_isInsecure && !StageChannels.IsLoopback(nextAddress))
        {
            throw new StageException(
                StageError.Untrusted, $"the next stage at {nextAddress} is on another host, and this worker has no certificates: start it with --tls DIR, or allow clear text with --insecure", stageIndex);
        }
    }

    private PeerCertificates Read(string folder, TimeProvider timeProvider)
    {
        var certificates = PeerCertificates.Read(folder, timeProvider.GetUtcNow());
        if (certificates.Identity.Role != PeerRole.Stage)
        {
            throw new CertificateException($"{folder}: {certificates.Description} is not of a stage");
        }

        return StageIndex is { } own && certificates.Identity.StageIndex != own
            ? throw new CertificateException($"{folder}: {certificates.Description}; this worker is stage {own}")
            : certificates;
    }
}
