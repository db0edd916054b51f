namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>Remembers this process's children at a moment; afterwards there must be no others.</summary>
internal sealed class LeftoverCheck
{
    private readonly IReadOnlySet<int> _before = ProcessTable.ChildrenOf(Environment.ProcessId);

    public IReadOnlyList<int> New => [.. ProcessTable.ChildrenOf(Environment.ProcessId).Except(_before).Order()];

    public void AssertNothingLeft() => Assert.Empty(New);
}
