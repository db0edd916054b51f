using System.Globalization;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>What somebody experienced who kept asking.</summary>
internal sealed class ServiceRecord
{
    private readonly HashSet<string> _answers = [];
    private readonly List<string> _refusals = [];
    private double _slowest;
    private int _count;

    /// <summary>The different answers; of a healthy service there is one.</summary>
    public IReadOnlySet<string> Answers => _answers;

    public IReadOnlyList<string> Refusals => _refusals;

    public void Add(string answer, TimeSpan took)
    {
        _answers.Add(answer);
        _slowest = Math.Max(_slowest, took.TotalSeconds);
        _count++;
    }

    public void Refuse(string reason) => _refusals.Add(reason);

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{_count} answers, the slowest after {_slowest:F1} s; {_refusals.Count} refusals{(_refusals is [.., var last] ? $", at last: {last}" : "")}");
}
