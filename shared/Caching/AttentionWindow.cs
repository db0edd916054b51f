namespace Pipeline.Shared.Caching;

/// <summary>
/// The one visibility rule of the product: a query sees the keys of its own sequence at most window - 1 positions back,
/// itself included and nothing ahead. Prefill, chunked prefill and decode differ only in which queries there are.
/// </summary>
public static class AttentionWindow
{
    /// <summary>Whether the token at position <paramref name="query"/> attends to the one at <paramref name="key"/>; a null window is full attention.</summary>
    public static bool Sees(int query, int key, int? window) => key <= query && key >= FirstVisible(query, window);

    /// <summary>The oldest position that a query sees.</summary>
    public static int FirstVisible(int query, int? window) => window is { } width ? Math.Max(0, query - width + 1) : 0;
}
