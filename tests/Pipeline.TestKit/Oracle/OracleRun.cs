namespace Pipeline.TestKit.Oracle;

/// <summary>What the oracle saw of one sequence.</summary>
/// <param name="Logits">By position.</param>
/// <param name="Keys">Rotated keys by layer and position, heads one after the other.</param>
/// <param name="Values">Values, likewise.</param>
/// <param name="RouterGap">Smallest distance between the last chosen and the first rejected expert's logit: below about 1e-4 a rounding error could choose another one.</param>
public sealed record OracleRun(double[][] Logits, double[][][] Keys, double[][][] Values, double RouterGap);
