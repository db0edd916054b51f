using System.Globalization;
using System.Runtime.InteropServices;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Verification;

/// <summary>Reads the cases of a golden file and refuses whatever is not exactly as the format says.</summary>
internal sealed class GoldenReader(SafetensorsHeader header, Stream stream, string path, ModelConfig config)
{
    private const string InputIds = "input_ids";
    private const string Logits = "logits";
    private const string Greedy = "greedy";
    private const string CaseParts = $"every case has {InputIds}, {Logits} and {Greedy}";

    private readonly HashSet<string> _unread = [.. header.Tensors.Keys];

    public IReadOnlyList<GoldenCase> ReadCases()
    {
        var cases = new List<GoldenCase>();
        while (HasCase(cases.Count))
        {
            cases.Add(ReadCase($"case{cases.Count.ToString(CultureInfo.InvariantCulture)}"));
        }

        if (_unread.Order(StringComparer.Ordinal).FirstOrDefault() is { } stray)
        {
            throw Fault($"tensor {stray} belongs to no case: cases count from case0 without gaps, and {CaseParts}");
        }

        return cases.Count > 0 ? cases : throw Fault("holds no cases: expected tensors case0.input_ids, case0.logits, case0.greedy and so on");
    }

    private bool HasCase(int index) => new[] { InputIds, Logits, Greedy }.Any(part => header.Tensors.ContainsKey($"case{index}.{part}"));

    private GoldenCase ReadCase(string name)
    {
        var prompt = ReadIds($"{name}.{InputIds}", "[n] with n of 1 or more", shortest: 1);
        var greedy = ReadIds($"{name}.{Greedy}", "[m]", shortest: 0);
        var logits = ReadLogits($"{name}.{Logits}", prompt.Length);
        return new GoldenCase(new VerificationCase(name, prompt, greedy.Length), new CaseOutput(greedy, logits, config.VocabularySize));
    }

    private int[] ReadIds(string name, string expectedShape, int shortest)
    {
        var entry = Take(name);
        if (entry.Type != SafetensorsType.Int32 || entry.Shape.Count != 1 || entry.Shape[0] < shortest)
        {
            throw Unexpected(entry, $"I32 {expectedShape}");
        }

        var ids = ReadElements<int>(entry);
        var outside = Array.FindIndex(ids, id => (uint)id >= (uint)config.VocabularySize);
        return outside < 0
            ? ids
            : throw Fault($"{name}[{outside}] is {ids[outside]}, outside the vocabulary of {config.Name}: ids go from 0 to {config.VocabularySize - 1}");
    }

    private float[] ReadLogits(string name, int promptLength)
    {
        var entry = Take(name);
        if (entry.Shape.Count == 2 && entry.Shape[1] != config.VocabularySize)
        {
            throw Fault($"{name} has a vocabulary of {entry.Shape[1]}, but {config.Name} has one of {config.VocabularySize}: they are not of the same model");
        }

        if (entry.Type != SafetensorsType.Float32 || entry.Shape.Count != 2 || entry.Shape[0] != promptLength)
        {
            throw Unexpected(entry, $"F32 [{promptLength}, {config.VocabularySize}], a row for each of the prompt's tokens");
        }

        var logits = ReadElements<float>(entry);
        var bad = Array.FindIndex(logits, value => !float.IsFinite(value));
        return bad < 0
            ? logits
            : throw Fault($"{name}[{bad / config.VocabularySize}, {bad % config.VocabularySize}] is {logits[bad].ToString(CultureInfo.InvariantCulture)}; an oracle's logits are finite");
    }

    private TensorEntry Take(string name) => _unread.Remove(name)
        ? header.Tensors[name]
        : throw Fault($"tensor {name} is missing; {CaseParts}");

    private T[] ReadElements<T>(TensorEntry entry)
        where T : unmanaged
    {
        var count = entry.ByteLength / Marshal.SizeOf<T>();
        if (count > Array.MaxLength)
        {
            throw Fault($"{entry.Name} has {count} elements; at most {Array.MaxLength} can be compared");
        }

        var elements = new T[count];
        stream.Position = entry.FileOffset;
        stream.ReadExactly(MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }

    private UserErrorException Unexpected(TensorEntry entry, string expected) =>
        Fault($"{entry.Name} is {entry.Type.HeaderName()} {entry.ShapeText}, expected {expected}");

    private UserErrorException Fault(string message) => new($"{path}: {message}");
}
