namespace Pipeline.Shared.Stages;

/// <summary>
/// A stage turns a stream of microbatches into a stream of results, in order. A whole pipeline is a stage too: stages
/// compose like functions. Failure is a <see cref="StageException"/> out of the enumeration; a refused input leaves the
/// stage's state untouched.
/// </summary>
public interface IStage
{
    IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, CancellationToken cancellationToken);
}
