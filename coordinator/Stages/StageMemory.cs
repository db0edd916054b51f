namespace Pipeline.Coordinator.Stages;

/// <summary>Bytes of a stage's device once its weights are in.</summary>
/// <param name="Device">cpu, or cuda:0, cuda:1, ... of the stage's host.</param>
/// <param name="IsLocal">The stage was launched here: local stages of one device share its memory.</param>
/// <param name="Free">What the stage saw free when it had loaded.</param>
public sealed record StageMemory(string Device, bool IsLocal, long Free, long Total);
