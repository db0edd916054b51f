using System.Globalization;
using System.Text.RegularExpressions;
using Pipeline.Protos.Clients;

namespace Pipeline.Coordinator.Stages.Discovery;

/// <summary>
/// Where the workers of a cluster can be asked for, by stage. A plain name is that of a headless Service whose StatefulSet has the
/// same name, so that pod <c>stage-2</c> is found as <c>stage-2.stage</c>; a pattern says where the number goes.
/// </summary>
public static partial class WorkerNames
{
    public const int DefaultPort = 50051;

    /// <summary>host:port of each stage.</summary>
    /// <param name="text">NAME, NAME:PORT, or either with {stage}, {stage+1}, ... in it.</param>
    /// <exception cref="UserErrorException">The text is none of these.</exception>
    public static IReadOnlyList<string> Of(string text, int stages)
    {
        var (name, port) = Split(text);
        var pattern = Placeholder().IsMatch(name) ? name : $"{name.Split('.', 2)[0]}-{{stage}}.{name}";
        var addresses = Enumerable.Range(0, stages).Select(stage => $"{Fill(pattern, stage)}:{port}").ToList();
        return addresses.TrueForAll(StageChannels.IsValidAddress) ? addresses : throw Unusable(text);
    }

    private static (string Name, string Port) Split(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon < 0 ? (text, DefaultPort.ToString(CultureInfo.InvariantCulture)) : (text[..colon], text[(colon + 1)..]);
    }

    private static string Fill(string pattern, int stage) => Placeholder().Replace(
        pattern, match => (stage + (match.Groups[1].Success ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0)).ToString(CultureInfo.InvariantCulture));

    private static UserErrorException Unusable(string text) => new(
        $"--workers-dns wants the name of a headless service, such as stage or stage.namespace:50051, or a pattern such as pipeline-0-{{stage+1}}.pipeline; got '{text}'");

    [GeneratedRegex(@"\{stage(?:\+(\d{1,4}))?\}")]
    private static partial Regex Placeholder();
}
