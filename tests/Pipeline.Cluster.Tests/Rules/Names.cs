using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>One namespace for all, and every name once.</summary>
internal static class Names
{
    private const string Namespace = "pipeline";

    public static IEnumerable<string> Complaints(ManifestSet set) =>
    [
        .. from item in set.Objects
           where item is not V1Namespace && item.Metadata.NamespaceProperty != Namespace
           select $"{item.Kind} {item.Metadata.Name} is in the namespace '{item.Metadata.NamespaceProperty}', not in {Namespace}",
        .. from same in set.Objects.GroupBy(item => (item.Kind, item.Metadata.Name))
           where same.Count() > 1
           select $"{same.Key.Kind} {same.Key.Name} is there {same.Count()} times",
        // A Job is applied to what runs already.
        .. set.Of<V1Job>().Any() || set.Of<V1Namespace>().Any(item => item.Metadata.Name == Namespace) ? Array.Empty<string>() : [$"the namespace {Namespace} is not made"],
    ];
}
