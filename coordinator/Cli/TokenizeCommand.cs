using System.CommandLine;
using System.Globalization;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Cli;

/// <summary><c>coordinator tokenize</c>: text to token ids and back.</summary>
internal static class TokenizeCommand
{
    private const string StandardInput = "-";

    public static Command Create(Terminal terminal)
    {
        var text = new Argument<string?>("TEXT") { Description = "Text to tokenize, or with --decode the ids; - reads standard input to its end", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--tokenizer") { Description = "Tokenizer file, or a folder that holds one, instead of the model's", HelpName = "FILE" };
        var model = ModelArgument.Option();
        var chat = new ChatOptions();
        var decode = new Option<bool>("--decode") { Description = "The other way: ids, with commas or spaces between them, to text" };
        var json = CommonOptions.Json();
        var command = new DocumentedCommand("tokenize", "Show the tokens of a text, or the text of token ids.")
        {
            Notes =
            [
                "Shown are the ids of the text alone; run puts BOS in front of a prompt. With --chat they are the whole prompt.",
                "In pieces \u2581 stands for a space and <0x0A> for a byte; names such as <s> are control tokens, which no text yields.",
                "Standard input is taken as it is, with its last line break.",
            ],
            Examples =
            [
                "coordinator tokenize \"To be, or not to be\"",
                "coordinator tokenize --model ~/models/Mistral-7B-Instruct-v0.3 --chat --system \"Be brief.\" \"Who are you?\"",
                "coordinator tokenize --decode 419,310,1999 --json",
            ],
        };
        command.Add(text);
        command.Add(file);
        command.Add(model);
        chat.AddTo(command);
        command.Add(decode);
        command.Add(json);
        command.Validators.Add(result =>
        {
            if (result.GetValue(decode) && chat.IsAsked(result))
            {
                result.AddError("--decode makes text of token ids and --chat token ids of text; leave one out");
            }
        });
        command.Runs((parsed, _) =>
        {
            Print(Compute(parsed), parsed);
            return Task.FromResult(ExitCode.Success);
        });
        return command;

        void Print(TokenListing listing, ParseResult parsed)
        {
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(terminal.Output, listing);
            }
            else if (parsed.GetValue(decode))
            {
                terminal.Output.WriteLine(listing.Text);
            }
            else
            {
                TokenTable.Write(listing, terminal);
            }
        }

        TokenListing Compute(ParseResult parsed)
        {
            var word = parsed.GetValue(text) ?? throw new UserErrorException($"TEXT is missing: give the text to tokenize, or {StandardInput} to read standard input");
            var source = Source(parsed);
            var tokenizer = SentencePieceTokenizer.Load(source);
            var given = word == StandardInput ? ReadInput(terminal) : word;
            if (parsed.GetValue(decode))
            {
                var ids = ParseIds(given, tokenizer);
                return TokenListing.Of(tokenizer, tokenizer.Decode(ids), ids);
            }

            var folder = Directory.Exists(source) ? source : Path.GetDirectoryName(Path.GetFullPath(source))!;
            return TokenListing.Of(tokenizer, given, chat.Encode(parsed, tokenizer, folder, given) ?? tokenizer.Encode(given));
        }

        string Source(ParseResult parsed)
        {
            if (parsed.GetValue(file) is not { } named)
            {
                var located = ModelArgument.Locate(parsed.GetRequiredValue(model));
                return located.Folder ?? throw new UserErrorException($"{located.Config.Name} is a built-in shape without a tokenizer: name a folder with --model, or a file with --tokenizer");
            }

            return parsed.GetResult(model) is { Implicit: false }
                ? throw new UserErrorException("--tokenizer and --model both name a tokenizer; leave one out")
                : named;
        }
    }

    private static int[] ParseIds(string text, SentencePieceTokenizer tokenizer)
    {
        var ids = text.Split([',', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(ParseId).ToArray();
        var outside = Array.FindIndex(ids, id => id >= tokenizer.VocabularySize);
        return outside < 0
            ? ids
            : throw new UserErrorException($"token id {ids[outside]} is outside the vocabulary of {tokenizer.FilePath}: ids go from 0 to {tokenizer.VocabularySize - 1}");
    }

    private static int ParseId(string word) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        ? id
        : throw new UserErrorException($"--decode wants token ids with commas or spaces between them, for instance 419,310,1999; got '{word}'");

    private static string ReadInput(Terminal terminal) =>
        terminal.Input?.ReadToEnd() ?? throw new UserErrorException($"'{StandardInput}' reads standard input, but nothing is piped in");
}
