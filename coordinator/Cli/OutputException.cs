namespace Pipeline.Coordinator.Cli;

/// <summary>Standard output takes nothing more.</summary>
/// <param name="hasNoReader">Whoever read it has closed it, as <c>head</c> does when it has seen enough: nobody is left to be told.</param>
internal sealed class OutputException(string message, bool hasNoReader, Exception? cause) : IOException(message, cause)
{
    public bool HasNoReader => hasNoReader;
}
