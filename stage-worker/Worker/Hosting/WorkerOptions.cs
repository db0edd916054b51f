using System.ComponentModel.DataAnnotations;

namespace Pipeline.StageWorker.Hosting;

/// <summary>What a worker is told at its start. Everything about model and shard comes later, from the coordinator.</summary>
public sealed class WorkerOptions
{
    /// <summary>Address to listen on, host:port; port 0 lets the system choose.</summary>
    [Required]
    [ListenAddress]
    public string Listen { get; set; } = "127.0.0.1:0";

    /// <summary>Folder with ca.crt, tls.crt and tls.key: certificates on both sides of every connection; null speaks clear text.</summary>
    public string? Tls { get; set; }

    /// <summary>Clear text also with other hosts.</summary>
    public bool Insecure { get; set; }

    /// <summary>Address that answers probes, in clear text, and nothing else; null where nobody asks there.</summary>
    [ListenAddress(Flag = "--health-listen")]
    public string? HealthListen { get; set; }

    /// <summary>cpu or cuda:N.</summary>
    [Required]
    [DeviceName]
    public string Device { get; set; } = "cpu";

    /// <summary>Stop when standard input ends: the parent that holds its other end is gone.</summary>
    public bool ExitWithParent { get; set; }
}
