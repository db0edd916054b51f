namespace Pipeline.Coordinator.Tokenization;

/// <summary>Order in which merges are done: the highest score first and, among equal scores, the leftmost place.</summary>
internal readonly record struct MergeRank(float Score, int Left) : IComparable<MergeRank>
{
    public int CompareTo(MergeRank other)
    {
        var byScore = other.Score.CompareTo(Score);
        return byScore != 0 ? byScore : Left.CompareTo(other.Left);
    }

    public static bool operator <(MergeRank left, MergeRank right) => left.CompareTo(right) < 0;

    public static bool operator >(MergeRank left, MergeRank right) => left.CompareTo(right) > 0;

    public static bool operator <=(MergeRank left, MergeRank right) => left.CompareTo(right) <= 0;

    public static bool operator >=(MergeRank left, MergeRank right) => left.CompareTo(right) >= 0;
}
