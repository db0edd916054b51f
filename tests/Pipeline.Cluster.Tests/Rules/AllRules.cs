using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>What the strict loader lets through and a cluster would refuse, or worse, accept.</summary>
internal static class AllRules
{
    private static readonly Func<ManifestSet, IEnumerable<string>>[] Rules =
    [
        RequiredFields.Complaints, EnumValues.Complaints, Names.Complaints,
        Selectors.Complaints, Ports.Complaints, Probes.Complaints,
        Variables.Complaints, ProgramArguments.Complaints, StageCounts.Complaints,
        Volumes.Complaints, Resources.Complaints, Security.Complaints, Restarts.Complaints,
        Certificates.Complaints, Images.Complaints,
    ];

    public static IReadOnlyList<string> Complaints(ManifestSet set) => [.. Rules.SelectMany(rule => rule(set))];
}
