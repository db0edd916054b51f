namespace Pipeline.Model.Randomness;

/// <summary>All that a random weight follows from: element n is mean + scale * (sum of four 16-bit numbers - their mean) of number n of the stream.</summary>
public readonly record struct DummyTensor(ulong Key, float Mean, float Scale);
