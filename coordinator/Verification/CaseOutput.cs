namespace Pipeline.Coordinator.Verification;

/// <summary>
/// What a model said to a case: the tokens it drew greedily, and the logits of the first positions, <c>[rows, vocabulary]</c>:
/// those of the prompt at least.
/// </summary>
public sealed record CaseOutput(IReadOnlyList<int> Tokens, float[] Logits, int VocabularySize)
{
    public int Rows => Logits.Length / VocabularySize;

    public ReadOnlySpan<float> Row(int row) => Logits.AsSpan(row * VocabularySize, VocabularySize); // [vocabulary]
}
