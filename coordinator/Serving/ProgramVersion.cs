using System.Reflection;

namespace Pipeline.Coordinator.Serving;

/// <summary>The version of the coordinator itself, whatever program it runs in.</summary>
internal static class ProgramVersion
{
    public static string Current { get; } = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
