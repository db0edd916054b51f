using Google.Protobuf;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>
/// Reads the protobuf message of a SentencePiece file by its field numbers and refuses whatever the encoder does not
/// implement, so that a file is either read right or not at all.
/// </summary>
internal sealed class SentencePieceReader
{
    private const uint PieceTag = (1 << 3) | 2;
    private const uint TrainerTag = (2 << 3) | 2;
    private const uint NormalizerTag = (3 << 3) | 2;
    private const int BytePairEncoding = 2;

    private readonly string _path;
    private readonly List<SentencePiece> _pieces = [];
    private bool _hasTrainer;
    private bool _hasNormalizer;
    private string _unknownSurface = " \u2047 ";
    private bool _addDummyPrefix = true;

    private SentencePieceReader(string path) => _path = path;

    public static SentencePieceModel Read(string path)
    {
        var content = ReadFile(path);
        try
        {
            return new SentencePieceReader(path).Parse(content);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new TokenizerException($"{path} is damaged, cut short or no SentencePiece file", exception);
        }
    }

    private static byte[] ReadFile(string path)
    {
        byte[] content;
        try
        {
            content = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException($"cannot read the tokenizer {path}: {exception.Message}", exception);
        }

        if (content.Length == 0)
        {
            throw new TokenizerException($"the tokenizer {path} is empty");
        }

        return content.AsSpan().StartsWith("version https://git-lfs"u8)
            ? throw new TokenizerException($"{path} is only a Git LFS pointer: fetch the file itself with 'git lfs pull'")
            : content;
    }

    private SentencePieceModel Parse(byte[] content)
    {
        var input = new CodedInputStream(content);
        while (input.ReadTag() is var tag and not 0)
        {
            switch (tag)
            {
                case PieceTag:
                    _pieces.Add(ReadPiece(Nested(input)));
                    break;
                case TrainerTag:
                    ReadTrainer(Nested(input));
                    break;
                case NormalizerTag:
                    ReadNormalizer(Nested(input));
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        // Writers put both settings behind the pieces, so a file cut between two pieces shows here.
        Require(_hasTrainer && _hasNormalizer, $"has {_pieces.Count} pieces but no trainer or normalizer settings: cut short, or no SentencePiece file");
        return new SentencePieceModel(_path, _pieces, _addDummyPrefix, _unknownSurface);
    }

    private static CodedInputStream Nested(CodedInputStream input) => input.ReadBytes().CreateCodedInput();

    private static SentencePiece ReadPiece(CodedInputStream input)
    {
        var (text, score, kind) = ("", 0f, PieceKind.Normal);
        while (input.ReadTag() is var tag and not 0)
        {
            switch (tag)
            {
                case (1 << 3) | 2:
                    text = input.ReadString();
                    break;
                case (2 << 3) | 5:
                    score = input.ReadFloat();
                    break;
                case 3 << 3:
                    kind = (PieceKind)input.ReadEnum();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return new SentencePiece(text, score, kind);
    }

    private void ReadTrainer(CodedInputStream input)
    {
        _hasTrainer = true;
        var modelType = 1;
        var spaceAsSuffix = false;
        while (input.ReadTag() is var tag and not 0)
        {
            switch (tag)
            {
                case 3 << 3:
                    modelType = input.ReadEnum();
                    break;
                case 24 << 3:
                    spaceAsSuffix = input.ReadBool();
                    break;
                case (44 << 3) | 2:
                    _unknownSurface = input.ReadString();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        Require(modelType == BytePairEncoding, $"has model type {modelType}; only {BytePairEncoding} (BPE) is supported");
        Require(!spaceAsSuffix, "puts the space behind a word (treat_whitespace_as_suffix), which is not supported");
    }

    private void ReadNormalizer(CodedInputStream input)
    {
        _hasNormalizer = true;
        var (name, rules, removeExtraSpaces, escapeSpaces) = ("", ByteString.Empty, true, true);
        while (input.ReadTag() is var tag and not 0)
        {
            switch (tag)
            {
                case (1 << 3) | 2:
                    name = input.ReadString();
                    break;
                case (2 << 3) | 2:
                    rules = input.ReadBytes();
                    break;
                case 3 << 3:
                    _addDummyPrefix = input.ReadBool();
                    break;
                case 4 << 3:
                    removeExtraSpaces = input.ReadBool();
                    break;
                case 5 << 3:
                    escapeSpaces = input.ReadBool();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        Require(rules.IsEmpty, $"normalizes text by the rules '{name}'; only 'identity' is supported");
        Require(!removeExtraSpaces && escapeSpaces, "removes extra spaces or keeps spaces unescaped, which is not supported");
    }

    private void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new TokenizerException($"the tokenizer {_path} {problem}");
        }
    }
}
