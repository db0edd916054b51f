using Google.Protobuf;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Tests.Tokenization;

/// <summary>Writes SentencePiece files of a few pieces: three special ones, the 256 bytes, then the test's own.</summary>
internal sealed record ModelFile
{
    public const int FirstOwnId = 259;

    public IReadOnlyList<SentencePiece> Special { get; init; } =
        [new("<unk>", 0, PieceKind.Unknown), new("<s>", 0, PieceKind.Control), new("</s>", 0, PieceKind.Control)];

    public int ByteCount { get; init; } = 256;

    public IReadOnlyList<SentencePiece> Own { get; init; } = [];

    public int ModelType { get; init; } = 2;

    public bool SpaceAsSuffix { get; init; }

    public string? UnknownSurface { get; init; }

    public string NormalizerRules { get; init; } = "";

    public bool AddDummyPrefix { get; init; } = true;

    public bool RemoveExtraSpaces { get; init; }

    public bool EscapeSpaces { get; init; } = true;

    public bool WithTrainer { get; init; } = true;

    public bool WithNormalizer { get; init; } = true;

    /// <summary>Normal pieces, the first being the first to merge.</summary>
    public static IReadOnlyList<SentencePiece> Normal(params string[] texts) =>
        [.. texts.Select((text, i) => new SentencePiece(text, -i, PieceKind.Normal))];

    public byte[] ToBytes() => Message(model =>
    {
        var bytes = Enumerable.Range(0, ByteCount).Select(value => new SentencePiece($"<0x{value:X2}>", 0, PieceKind.Byte));
        foreach (var piece in Special.Concat(bytes).Concat(Own))
        {
            WriteBytes(model, 1, PieceMessage(piece));
        }

        if (WithTrainer)
        {
            WriteBytes(model, 2, TrainerMessage());
        }

        if (WithNormalizer)
        {
            WriteBytes(model, 3, NormalizerMessage());
        }
    });

    public SentencePieceTokenizer Load()
    {
        using var folder = new TemporaryFolder();
        return SentencePieceTokenizer.Load(folder.Write("tokenizer.model", ToBytes()));
    }

    private static byte[] PieceMessage(SentencePiece piece) => Message(output =>
    {
        WriteBytes(output, 1, System.Text.Encoding.UTF8.GetBytes(piece.Text));
        output.WriteTag(2, WireFormat.WireType.Fixed32);
        output.WriteFloat(piece.Score);
        WriteNumber(output, 3, (int)piece.Kind);
    });

    private byte[] TrainerMessage() => Message(output =>
    {
        WriteNumber(output, 3, ModelType);
        WriteNumber(output, 24, SpaceAsSuffix ? 1 : 0);
        if (UnknownSurface is not null)
        {
            WriteBytes(output, 44, System.Text.Encoding.UTF8.GetBytes(UnknownSurface));
        }
    });

    private byte[] NormalizerMessage() => Message(output =>
    {
        WriteBytes(output, 1, "rules"u8.ToArray());
        WriteBytes(output, 2, System.Text.Encoding.UTF8.GetBytes(NormalizerRules));
        WriteNumber(output, 3, AddDummyPrefix ? 1 : 0);
        WriteNumber(output, 4, RemoveExtraSpaces ? 1 : 0);
        WriteNumber(output, 5, EscapeSpaces ? 1 : 0);
    });

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream))
        {
            write(output);
        }

        return stream.ToArray();
    }

    private static void WriteBytes(CodedOutputStream output, int field, byte[] value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(value));
    }

    private static void WriteNumber(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }
}
