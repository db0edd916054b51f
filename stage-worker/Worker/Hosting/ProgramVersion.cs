using System.Reflection;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Version of this build, for people.</summary>
public static class ProgramVersion
{
    public static string Text { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
