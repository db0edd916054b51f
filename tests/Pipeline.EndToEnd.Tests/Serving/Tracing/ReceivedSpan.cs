namespace Pipeline.EndToEnd.Tests.Serving.Tracing;

/// <summary>A span as the collector got it; ids in hexadecimal, times in nanoseconds of Unix time.</summary>
internal sealed record ReceivedSpan(string TraceId, string Id, string ParentId, string Name, ulong Start, ulong End, IReadOnlyDictionary<string, long> Numbers);
