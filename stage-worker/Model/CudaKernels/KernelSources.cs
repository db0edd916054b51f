namespace Pipeline.Model.CudaKernels;

/// <summary>The kernels' source text, carried in this assembly. One file per family, each after the parts it shares with others.</summary>
public static class KernelSources
{
    private const string Common = "common.cuh";
    private const string Hopper = "hopper.cuh";

    /// <summary>For every device.</summary>
    public static IReadOnlyList<string> Families { get; } =
        ["decode_attention", "dummy", "hops", "normalize", "prefill_attention", "rotary", "routing", "rows", "sampling", "skinny_linear", "weights"];

    /// <summary>For Hopper alone: they use instructions that only compute capability 9.0 has.</summary>
    public static IReadOnlyList<string> HopperFamilies { get; } = ["experts_hopper", "prefill_attention_hopper", "wide_linear"];

    /// <summary>A family as the compiler gets it.</summary>
    public static string Read(string family)
    {
        string[] shared = HopperFamilies.Contains(family) ? [Common, Hopper] : [Common];
        return string.Join('\n', [.. shared.Select(Resource), Resource($"{family}.cu")]);
    }

    private static string Resource(string name)
    {
        using var stream = typeof(KernelSources).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not in the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
