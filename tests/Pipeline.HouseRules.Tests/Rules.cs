using System.Text.RegularExpressions;

namespace Pipeline.HouseRules.Tests;

/// <summary>The rules as functions from files to complaints, so that a planted breach can be held against each.</summary>
internal static partial class Rules
{
    private const int MostLines = 400;

    /// <summary>Room to the namespaces of this solution that it may import beside its own. Everything else is a wall; the longest matching room counts.</summary>
    private static readonly Dictionary<string, string[]> Doors = new()
    {
        ["shared/"] = ["Pipeline.Shared"],
        ["protos/"] = ["Pipeline.Protos", "Pipeline.Shared"],
        ["stage-worker/Model/"] = ["Pipeline.Model", "Pipeline.Shared"],
        ["stage-worker/Model/CpuKernels/"] = ["Pipeline.Model.CpuKernels", "Pipeline.Shared"],
        ["stage-worker/Model/Checkpoints/"] = ["Pipeline.Model.Randomness", "Pipeline.Shared"],
        ["stage-worker/Worker/"] = ["Pipeline.StageWorker", "Pipeline.Model", "Pipeline.Protos", "Pipeline.Shared"],
        ["coordinator/"] = ["Pipeline.Coordinator", "Pipeline.Protos", "Pipeline.Shared"],
        ["coordinator/Scheduling/"] = ["Pipeline.Shared"],
        ["coordinator/Sharding/"] = ["Pipeline.Shared"],
        ["coordinator/Tokenization/"] = [],
        ["coordinator/Lessons/"] = ["Pipeline.Coordinator.Scheduling", "Pipeline.Shared"],
        ["coordinator/Diagnostics/"] = ["Pipeline.Shared"],
        ["coordinator/EventStreams/"] = [],
        ["coordinator/LoadGeneration/"] = ["Pipeline.Coordinator.Benchmarking", "Pipeline.Coordinator.EventStreams"],
        ["coordinator/Execution/"] = ["Pipeline.Coordinator.Scheduling", "Pipeline.Shared"],
        ["coordinator/Generation/"] = ["Pipeline.Coordinator.Execution", "Pipeline.Coordinator.Scheduling", "Pipeline.Coordinator.Tokenization", "Pipeline.Shared"],
        ["coordinator/Serving/"] =
        [
            "Pipeline.Coordinator.Serving", "Pipeline.Coordinator.Hosting", "Pipeline.Coordinator.Stages", "Pipeline.Coordinator.Generation", "Pipeline.Coordinator.Execution",
            "Pipeline.Coordinator.Scheduling", "Pipeline.Coordinator.Tokenization", "Pipeline.Coordinator.Diagnostics", "Pipeline.Coordinator.Observation", "Pipeline.Shared",
        ],
        ["coordinator/Observation/"] = ["Pipeline.Coordinator.Scheduling", "Pipeline.Coordinator.Stages", "Pipeline.Shared"],
        ["coordinator/Stages/"] = ["Pipeline.Coordinator.Sharding", "Pipeline.Protos", "Pipeline.Shared"],
    };

    public static IEnumerable<string> ImportsThroughWalls(IEnumerable<SourceFile> files) =>
        from file in files
        let room = Doors.Keys.Where(key => Starts(file.Path, key)).MaxBy(key => key.Length)!
        from import in file.Imports
        where !Doors[room].Append(file.Namespace).Any(door => import == door || Starts(import, door + "."))
        select $"{file.Path}: using {import}";

    /// <summary>Dispose scopes belong to a thread: an await or a yield in the maths would lose or free other people's tensors.</summary>
    public static IEnumerable<string> AsynchronousMaths(IEnumerable<SourceFile> files) =>
        from file in files where Starts(file.Path, "stage-worker/Model/") && AsyncOrIterator().IsMatch(file.Text) select file.Path;

    public static IEnumerable<string> LongFiles(IEnumerable<SourceFile> files) =>
        from file in files let lines = file.Text.Count(c => c == '\n') where lines > MostLines select $"{file.Path}: {lines} lines";

    public static IEnumerable<string> VagueTypes(IEnumerable<SourceFile> files) =>
        from file in files from name in VagueTypeName().Matches(file.Text) select $"{file.Path}: {name.Value}";

    /// <summary>A type that is open for inheritance says so by being abstract.</summary>
    public static IEnumerable<string> OpenClasses(IEnumerable<SourceFile> files) =>
        from file in files from match in OpenClass().Matches(file.Text) select $"{file.Path}: {match.Value.Trim()}";

    public static IEnumerable<string> CrowdedFiles(IEnumerable<SourceFile> files) =>
        from file in files
        let types = TopLevelType().Matches(file.Text).Select(match => match.Groups[1].Value).Distinct().ToList()
        where types.Count > 1
        select $"{file.Path}: {string.Join(", ", types)}";

    public static IEnumerable<string> WallClocks(IEnumerable<SourceFile> files) =>
        from file in files from match in WallClock().Matches(file.Text) select $"{file.Path}: {match.Value}";

    /// <summary>Words in backticks that look like our types but name none: a page that describes what is gone.</summary>
    public static IEnumerable<string> StaleNames(string page, string text, IReadOnlySet<string> types) =>
        from match in BacktickedType().Matches(text)
        let name = match.Groups[1].Value
        where !types.Contains(name)
        select $"{page}: {name}";

    public static IEnumerable<string> TypeNames(IEnumerable<SourceFile> files) =>
        from file in files from match in AnyType().Matches(file.Text) select match.Groups[1].Value;

    private static bool Starts(string text, string prefix) => text.StartsWith(prefix, StringComparison.Ordinal);

    [GeneratedRegex(@"\basync\b|\bawait\b|\byield return\b")]
    private static partial Regex AsyncOrIterator();

    [GeneratedRegex(@"\b(?:class|record|struct|interface) \w*(?:Manager|Helpers?|Utils?|Utilities)\b")]
    private static partial Regex VagueTypeName();

    [GeneratedRegex(@"^(?:public |internal |private |protected )+(?:partial )?(?:class|record) \w+", RegexOptions.Multiline)]
    private static partial Regex OpenClass();

    [GeneratedRegex(@"^(?:public|internal) (?:[a-z]+ )*?(?:class|record struct|record|struct|interface|enum) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TopLevelType();

    [GeneratedRegex(@"\bDateTime(?:Offset)?\.(?:Utc)?Now\b|\bRandom\.Shared\b|\bnew Random\(\)")]
    private static partial Regex WallClock();

    [GeneratedRegex(@"`([A-Z][a-z]\w*[a-z][A-Z]\w*)(?:\.\w+)?`")]
    private static partial Regex BacktickedType();

    [GeneratedRegex(@"\b(?:class|record struct|record|struct|interface|enum) (\w+)")]
    private static partial Regex AnyType();
}
