using System.Globalization;

namespace Pipeline.Coordinator.Serving;

/// <summary>Ids of requests, and seeds for those that bring none. Thread-safe if its source is.</summary>
internal sealed class RandomIds(Func<ulong> random)
{
    public string Next(string prefix) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{random():x16}{random():x16}");

    public ulong Seed() => random();
}
