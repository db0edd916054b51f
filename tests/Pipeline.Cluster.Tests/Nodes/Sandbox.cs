using System.Diagnostics;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>
/// What a container sees, made with bubblewrap: its image and its volumes under their own paths and nothing else of this machine but
/// the distribution's libraries, a root that cannot be written to, processes and user of its own. Only the network is this machine's.
/// </summary>
internal sealed class Sandbox
{
    private const string DotnetFolder = "/usr/share/dotnet";
    private static readonly Lazy<Task<string?>> Reason = new(TryOutAsync);
    private readonly List<string> _arguments = [];
    private readonly List<string> _environment = [];

    /// <param name="hosts">File of names and addresses that every look-up goes to.</param>
    public Sandbox(string hostName, string user, string hosts, string scratch)
    {
        var ids = user.Split(':');
        _arguments.AddRange(["--die-with-parent", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--clearenv", "--uid", ids[0], "--gid", ids[1], "--hostname", hostName]);
        foreach (var folder in new[] { "bin", "lib", "lib64" })
        {
            _arguments.AddRange(["--ro-bind-try", $"/usr/{folder}", $"/usr/{folder}", "--symlink", $"usr/{folder}", $"/{folder}"]);
        }

        ReadOnly(DotnetRoot(), DotnetFolder);
        ReadOnly("/etc/ld.so.cache", "/etc/ld.so.cache", optional: true);
        ReadOnly(hosts, "/etc/hosts");
        ReadOnly(Written(scratch, "nsswitch.conf", "hosts: files\n"), "/etc/nsswitch.conf");
        ReadOnly(Written(scratch, "passwd", $"app:x:{ids[0]}:{ids[1]}::/home/app:/bin/bash\n"), "/etc/passwd");
        _arguments.AddRange(["--proc", "/proc", "--dev", "/dev"]);
        Set("PATH", $"{DotnetFolder}:/usr/bin:/bin");
        Set("HOME", "/home/app");
        Set("HOSTNAME", hostName);
    }

    /// <summary>Null if it works here.</summary>
    public static Task<string?> UnusableBecauseAsync() => Reason.Value;

    public void ReadOnly(string source, string target, bool optional = false) => _arguments.AddRange([optional ? "--ro-bind-try" : "--ro-bind", source, target]);

    public void Writable(string source, string target) => _arguments.AddRange(["--bind", source, target]);

    public void Set(string variable, string value) => _environment.AddRange(["--setenv", variable, value]);

    /// <summary>Starts the one program of the container. Nothing can be mounted after this.</summary>
    public ProcessStartInfo Start(IEnumerable<string> command) => new("bwrap", [.. _arguments, .. _environment, "--remount-ro", "/", "--", .. command])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    private static string DotnetRoot() => Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    private static string Written(string folder, string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static async Task<string?> TryOutAsync()
    {
        var run = await ProgramRun.TryAsync("bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true");
        return run switch
        {
            null => "there is no bubblewrap here to start pods with (Debian's package bubblewrap)",
            { ExitCode: not 0 } => $"bubblewrap may not make sandboxes here: {run.Error.Trim()}",
            _ => null,
        };
    }
}
