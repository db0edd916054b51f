using System.Security.Cryptography;

namespace Pipeline.Protos.Security;

/// <summary>
/// What some files say, read again when they change: whoever asks gets the newest state that makes sense. A state that makes
/// none is told once, and the one before stays. By content, not by time or name: Kubernetes replaces files by turning a link.
/// </summary>
/// <param name="files">All that <paramref name="read"/> reads.</param>
/// <param name="read">Throws a <see cref="CertificateException"/> where the files make no sense.</param>
/// <param name="onReplaced">Told of every state after the first.</param>
/// <param name="onKept">Told why a state was not taken.</param>
public sealed class RotatingFiles<T>(IReadOnlyList<string> files, Func<T> read, Action<T> onReplaced, Action<string> onKept)
    where T : class
{
    private readonly Lock _lock = new();

    // Before the first reading: what changes while it goes on is seen at the next look.
    private string _seen = Fingerprint(files);
    private T _current = read();

    /// <summary>Looks at the files. For every handshake: some kilobytes are nothing beside it.</summary>
    public T Current()
    {
        lock (_lock)
        {
            if (Fingerprint(files) is { } found && found != _seen)
            {
                _seen = found;
                TakeNeedsLock();
            }

            return _current;
        }
    }

    private void TakeNeedsLock()
    {
        try
        {
            _current = read();
            onReplaced(_current);
        }
        catch (CertificateException exception)
        {
            onKept(exception.Message);
        }
    }

    /// <summary>A file that is not there is a state too.</summary>
    private static string Fingerprint(IReadOnlyList<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            try
            {
                hash.AppendData(File.ReadAllBytes(file));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
            }

            hash.AppendData([0]);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
