using Pipeline.Coordinator.Tokenization;
using Spectre.Console;

namespace Pipeline.Coordinator.Cli.Rendering;

/// <summary>A tokenized text for people: a line per token.</summary>
internal static class TokenTable
{
    public static void Write(TokenListing listing, Terminal terminal)
    {
        var table = new Table { Border = TableBorder.None };
        table.AddColumn(Column("position").RightAligned());
        table.AddColumn(Column("id").RightAligned());
        table.AddColumn(Column("piece"));
        for (var position = 0; position < listing.Tokens.Count; position++)
        {
            var (id, piece) = listing.Tokens[position];
            table.AddRow(new Text($"{position}"), new Text($"{id}"), new Text(Visible(piece)));
        }

        terminal.Output.WriteLine($"{listing.Tokens.Count} {(listing.Tokens.Count == 1 ? "token" : "tokens")}");
        terminal.Write(table);
    }

    /// <summary>Some vocabularies have pieces with line breaks in them, which would tear the table.</summary>
    private static string Visible(string piece) => string.Concat(piece.Select(character => character switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ when char.IsControl(character) => $"\\u{(int)character:X4}",
        _ => $"{character}",
    }));

    private static TableColumn Column(string title) => new TableColumn(new Text(title)).PadLeft(0).PadRight(2).NoWrap();
}
