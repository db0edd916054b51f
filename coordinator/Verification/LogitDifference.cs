namespace Pipeline.Coordinator.Verification;

/// <summary>One logit as it should be and as it is. Not a number when either is not one.</summary>
public readonly record struct LogitDifference(int Row, int Token, float Expected, float Actual)
{
    public float Magnitude => MathF.Abs(Actual - Expected);
}
