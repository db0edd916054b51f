namespace Pipeline.StageWorker.Security;

/// <summary>Looks at the certificates now and then, so that a new set that makes no sense is told before somebody needs it.</summary>
internal sealed class CertificateWatch(PeerSecurity security, TimeProvider timeProvider) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (security.Certificates is not { } certificates)
        {
            return;
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            certificates();
            await Task.Delay(Round, timeProvider, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
