using System.CommandLine;
using System.Text.RegularExpressions;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli;

/// <summary>The options that say where launched stages compute, and in which type.</summary>
internal sealed partial class DeviceOptions
{
    private readonly Option<string> _device = new("--device")
    {
        Description = "Device of the stages launched here: cpu, cuda (each stage its own GPU, in turn) or a list cuda:0,cuda:1, used in turn",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "cpu",
    };

    private readonly Option<ElementType?> _elementType = new("--dtype")
    {
        Description = "Element type of weights and cache: bf16, f16 or f32 (default: f32 if all stages compute on CPUs, otherwise the checkpoint's own)",
        HelpName = "TYPE",
        CustomParser = Parsers.Word(ElementTypeNames.Words),
    };

    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_elementType);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetResult(_device) is { Implicit: false };

    /// <summary>The device of every stage.</summary>
    public IReadOnlyList<string> Devices(ParseResult parsed, int stages)
    {
        var names = parsed.GetRequiredValue(_device).Split(',', StringSplitOptions.TrimEntries);
        if (Array.Find(names, name => !DeviceName().IsMatch(name)) is { } invalid)
        {
            throw new UserErrorException($"--device wants cpu, cuda, or a list such as cuda:0,cuda:1; got '{invalid}'");
        }

        return [.. Enumerable.Range(0, stages).Select(stage => names is ["cuda"] ? $"cuda:{stage}" : names[stage % names.Length])];
    }

    /// <summary>What the user asked for; null leaves it to the devices.</summary>
    public ElementType? AskedType(ParseResult parsed) => parsed.GetValue(_elementType);

    /// <summary>What weights and cache are held as; refuses what the weights cannot become.</summary>
    /// <param name="dummy">The weights come from a seed, in the type of the configuration.</param>
    public ElementType TypeOn(ParseResult parsed, IEnumerable<string> devices, LocatedModel model, bool dummy)
    {
        if (AskedType(parsed) is not { } asked)
        {
            return UsualElementType.On(devices, model.Config);
        }

        var stored = dummy || model.Folder is null ? [model.Config.WeightType] : StoredTypes.In(model.Folder, model.Config);
        return stored.All(type => type.LoadsAs(asked))
            ? asked
            : throw new UserErrorException(
                $"--dtype {asked.ShortName()} is not for weights stored as {Names(stored, " and ")}; use --dtype {Names(Enum.GetValues<ElementType>().Where(other => stored.All(type => type.LoadsAs(other))), " or ")}");
    }

    private static string Names(IEnumerable<ElementType> types, string between) => string.Join(between, types.Select(type => type.ShortName()));

    [GeneratedRegex(@"^(cpu|cuda|cuda:\d{1,2})$")]
    private static partial Regex DeviceName();
}
