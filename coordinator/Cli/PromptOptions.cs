using System.CommandLine;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli;

/// <summary>The ways to say what to continue: text, files, standard input, token ids, chat turns.</summary>
internal sealed class PromptOptions
{
    private const string DefaultPrompt = "ROMEO:\n";

    private readonly Option<string[]> _prompts = new("--prompt", "-p") { Description = "Text to continue; repeatable", HelpName = "TEXT", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _file = new("--prompts-file", "-f") { Description = "File with one prompt per line", HelpName = "FILE" };
    private readonly Option<string[]> _ids = new("--prompt-ids") { Description = "Prompt as token ids, used as they are: 1,2,3; repeatable", HelpName = "IDS", Arity = ArgumentArity.ZeroOrMore };
    private readonly ChatOptions _chat = new();

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _prompts, _file, _ids })
        {
            command.Add(option);
        }

        _chat.AddTo(command);
    }

    /// <summary>No prompt is a text.</summary>
    public bool AreIds(ParseResult parsed) =>
        parsed.GetValue(_ids) is { Length: > 0 } && parsed.GetValue(_prompts) is null or [] && parsed.GetValue(_file) is null;

    /// <summary>All prompts in the order: --prompt, --prompts-file, --prompt-ids; standard input if there is none of them.</summary>
    public IReadOnlyList<Prompt> Resolve(ParseResult parsed, LocatedModel model, SentencePieceTokenizer? tokenizer, TextReader? input)
    {
        var texts = Texts(parsed);
        var ids = (parsed.GetValue(_ids) ?? []).Select(ParseIds).ToList();
        if (texts.Count == 0 && ids.Count == 0)
        {
            texts.Add(FromInput(input, model));
        }

        if (texts.Count > 0 && tokenizer is null)
        {
            throw new UserErrorException($"{model.Config.Name} has no tokenizer here: give the prompt as ids with --prompt-ids 1,2,3");
        }

        var prompts = texts.Select(text => Tokenize(parsed, text, model, tokenizer!)).Concat(ids.Select(list => new Prompt(null, list))).ToList();
        prompts.ForEach(prompt => CheckVocabulary(prompt, model.Config));
        return prompts;
    }

    private List<string> Texts(ParseResult parsed)
    {
        var texts = (parsed.GetValue(_prompts) ?? []).ToList();
        if (parsed.GetValue(_file) is { } file)
        {
            texts.AddRange(FromFile(file));
        }

        return texts;
    }

    private static List<string> FromFile(string file)
    {
        if (Directory.Exists(file))
        {
            throw new UserErrorException($"the prompts file {file} is a directory; a file with one prompt per line is wanted");
        }

        try
        {
            var lines = File.ReadLines(file).Where(line => line.Length > 0).ToList();
            return lines.Count > 0 ? lines : throw new UserErrorException($"{file} has no prompts: one is wanted on each line");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserErrorException($"no such prompts file: {file}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot read the prompts file {file}: {exception.Message}");
        }
    }

    private static string FromInput(TextReader? input, LocatedModel model)
    {
        var text = input?.ReadToEnd() ?? "";
        if (text.Length > 0)
        {
            return text;
        }

        return Path.GetFileName(model.Folder) == "tiny-mixtral"
            ? DefaultPrompt
            : throw new UserErrorException("nothing to continue: give --prompt TEXT, --prompts-file FILE, --prompt-ids IDS, or text on standard input");
    }

    private Prompt Tokenize(ParseResult parsed, string text, LocatedModel model, SentencePieceTokenizer tokenizer) =>
        _chat.Encode(parsed, tokenizer, model.Folder ?? "", text) is { } chat
            ? new Prompt(text, chat)
            : new Prompt(text, [tokenizer.BosId, .. tokenizer.Encode(text)]) { IsContinued = true };

    private static int[] ParseIds(string text)
    {
        try
        {
            return [.. text.Split(',', StringSplitOptions.TrimEntries).Select(id => int.Parse(id, System.Globalization.CultureInfo.InvariantCulture))];
        }
        catch (Exception exception) when (exception is FormatException or OverflowException)
        {
            throw new UserErrorException($"--prompt-ids wants token ids with commas between them, for instance 1,419,310; got '{text}'");
        }
    }

    private static void CheckVocabulary(Prompt prompt, ModelConfig config)
    {
        foreach (var id in prompt.Tokens)
        {
            if ((uint)id >= (uint)config.VocabularySize)
            {
                throw new UserErrorException($"token id {id} is outside the vocabulary of {config.Name}: ids go from 0 to {config.VocabularySize - 1}");
            }
        }
    }
}
