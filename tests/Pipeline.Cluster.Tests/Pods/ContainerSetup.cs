using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Pods;

/// <summary>Variables and command line of a container, as the kubelet makes them of a manifest.</summary>
internal sealed record ContainerSetup(IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> Command, IReadOnlyList<string> Arguments, IReadOnlyList<string> Problems)
{
    /// <param name="secret">Value of a key of a Secret; null where there is none.</param>
    public static ContainerSetup Of(V1Container container, ManifestSet set, PodIdentity pod, Func<string, string, string?> secret)
    {
        var problems = new List<string>();
        var all = new Dictionary<string, string>();
        foreach (var source in container.EnvFrom ?? [])
        {
            foreach (var (key, value) in ConfigMap(set, source.ConfigMapRef?.Name, source.ConfigMapRef?.Optional is true, problems))
            {
                all[key] = value;
            }
        }

        // A value knows the variables of this list that stand before it, and no others: not those of envFrom, not later ones.
        var before = new Dictionary<string, string>();
        foreach (var variable in container.Env ?? [])
        {
            if (Value(variable) is { } value)
            {
                all[variable.Name] = before[variable.Name] = value;
            }
        }

        return new ContainerSetup(all, Expanded(container.Command), Expanded(container.Args), problems);

        string? Value(V1EnvVar variable) => variable.ValueFrom is { } from ? Referred(variable.Name, from) : Expand(variable.Value ?? "", before, $"the value of {variable.Name}");

        string? Referred(string name, V1EnvVarSource from)
        {
            var (value, what, optional) = from switch
            {
                { FieldRef: { } field } => (pod.Field(field.FieldPath), $"field {field.FieldPath}", false),
                { ConfigMapKeyRef: { } key } => (ConfigMap(set, key.Name, true, []).GetValueOrDefault(key.Key), $"key {key.Key} of ConfigMap {key.Name}", key.Optional is true),
                { SecretKeyRef: { } key } => (secret(key.Name, key.Key), $"key {key.Key} of Secret {key.Name}", key.Optional is true),
                _ => (null, "source", false),
            };
            if (value is null && !optional)
            {
                problems.Add($"{name} wants a {what} that does not exist");
            }

            return value;
        }

        string Expand(string text, Dictionary<string, string> known, string where)
        {
            problems.AddRange(VariableReferences.NamesIn(text).Where(name => !known.ContainsKey(name)).Select(name => $"{where} refers to $({name}), which is not defined there"));
            return VariableReferences.Expand(text, known.GetValueOrDefault);
        }

        List<string> Expanded(IList<string>? texts) => [.. (texts ?? []).Select(text => Expand(text, all, $"argument {text}"))];
    }

    private static Dictionary<string, string> ConfigMap(ManifestSet set, string? name, bool optional, List<string> problems)
    {
        if (set.Of<V1ConfigMap>().SingleOrDefault(map => map.Metadata.Name == name) is { } found)
        {
            return new Dictionary<string, string>(found.Data ?? new Dictionary<string, string>());
        }

        if (!optional)
        {
            problems.Add($"there is no ConfigMap {name}");
        }

        return [];
    }
}
