using System.Globalization;
using System.Text.RegularExpressions;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>Finds a model's tokenizer file and tells its version: from the name's suffix, else from the vocabulary.</summary>
/// <param name="NamedVersion">The version that the name ends in; null for a plain <c>tokenizer.model</c>.</param>
public sealed partial record TokenizerFile(string Path, TokenizerVersion? NamedVersion)
{
    private const string PlainName = "tokenizer.model";
    private const string Supported = "supported are SentencePiece files: tokenizer.model or a name that ends in .model.v1, .v2, .v3 or .v7";
    private static readonly string[] UnsupportedNames = ["tekken.json", "tokenizer.json"];

    /// <param name="folderOrFile">A model's folder, or the tokenizer file itself, which may have any name.</param>
    /// <exception cref="TokenizerException">There is none, more than one fits, or it is of an unsupported kind.</exception>
    public static TokenizerFile Locate(string folderOrFile)
    {
        if (Directory.Exists(folderOrFile))
        {
            return LocateIn(folderOrFile);
        }

        if (!File.Exists(folderOrFile))
        {
            throw new TokenizerException($"there is no tokenizer file or model folder {folderOrFile}");
        }

        return IsJson(folderOrFile) ? throw Unsupported(folderOrFile) : Named(folderOrFile);
    }

    public SentencePieceTokenizer Load()
    {
        var model = SentencePieceReader.Read(Path);
        return new SentencePieceTokenizer(model, NamedVersion ?? VersionOf(model));
    }

    private static TokenizerFile LocateIn(string folder)
    {
        // Several downloads hold a plain copy beside the versioned file: the name that tells more wins.
        var versioned = Directory.GetFiles(folder).Where(path => VersionSuffix().IsMatch(FileNameOf(path))).Order(StringComparer.Ordinal).ToArray();
        return versioned switch
        {
            [var only] => Named(only),
            [_, _, ..] => throw new TokenizerException(
                $"{folder} holds several tokenizers ({string.Join(", ", versioned.Select(FileNameOf))}): name the file to use"),
            [] => LocatePlain(folder),
        };
    }

    private static TokenizerFile LocatePlain(string folder)
    {
        var plain = System.IO.Path.Combine(folder, PlainName);
        if (File.Exists(plain))
        {
            return Named(plain);
        }

        var unsupported = UnsupportedNames.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        throw unsupported is null ? new TokenizerException($"there is no tokenizer in {folder}; {Supported}") : Unsupported(unsupported);
    }

    private static TokenizerFile Named(string path)
    {
        var match = VersionSuffix().Match(FileNameOf(path));
        if (!match.Success)
        {
            return new TokenizerFile(path, null);
        }

        var version = (TokenizerVersion)int.Parse(match.Groups["version"].ValueSpan, CultureInfo.InvariantCulture);
        return Enum.IsDefined(version)
            ? new TokenizerFile(path, version)
            : throw new TokenizerException($"the tokenizer {path} is of version {(int)version}; {Supported}");
    }

    private static TokenizerVersion VersionOf(SentencePieceModel model)
    {
        bool Has(PieceKind kind, string name) => model.Pieces.Any(piece => piece.Kind == kind && piece.Text == name);

        return Has(PieceKind.Control, "[SYSTEM_PROMPT]") ? TokenizerVersion.V7
            : Has(PieceKind.UserDefined, "[REFERENCE_DOC_0]") ? TokenizerVersion.V3
            : Has(PieceKind.Control, "[INST]") ? TokenizerVersion.V2
            : TokenizerVersion.V1;
    }

    private static TokenizerException Unsupported(string path) =>
        new($"{path} is not a SentencePiece file; {Supported}. The model's own repository usually has one beside it");

    private static bool IsJson(string path) => path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    private static string FileNameOf(string path) => System.IO.Path.GetFileName(path);

    // v7m1 is version 7 with a multimodal suffix, the same vocabulary.
    [GeneratedRegex(@"\.model\.v(?<version>[0-9]{1,4})(m[0-9]+)?$")]
    private static partial Regex VersionSuffix();
}
