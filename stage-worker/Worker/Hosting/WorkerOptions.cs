using System.ComponentModel.DataAnnotations;

namespace Pipeline.StageWorker.Hosting;

/// <summary>What a worker is told at its start. Everything about model and shard comes later, from the coordinator.</summary>
public sealed class WorkerOptions
{
    /// <summary>Address to listen on, host:port; port 0 lets the system choose.</summary>
    [Required]
    [RegularExpression(@"^(\d{1,3}(\.\d{1,3}){3}|localhost|\*|\[[0-9a-fA-F:]+\]):\d{1,5}$", ErrorMessage = "--listen takes an IP address and a port, for instance 127.0.0.1:0 or 0.0.0.0:50051; got '{0}'")]
    public string Listen { get; set; } = "127.0.0.1:0";

    /// <summary>cpu or cuda:N.</summary>
    [Required]
    [RegularExpression(@"^(cpu|cuda(:\d{1,2})?)$", ErrorMessage = "--device takes cpu, cuda or cuda:N")]
    public string Device { get; set; } = "cpu";

    /// <summary>Stop when standard input ends: the parent that holds its other end is gone.</summary>
    public bool ExitWithParent { get; set; }
}
