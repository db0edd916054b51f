namespace Pipeline.Protos.Codec;

/// <summary>Version of the conversation between coordinator and stages. Both sides refuse any other.</summary>
public static class ProtocolVersion
{
    public const int Current = 3;
}
