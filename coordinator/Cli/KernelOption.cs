using System.CommandLine;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli;

/// <summary>The option that says which kernels compute, checked against what they compute in and on.</summary>
internal sealed class KernelOption
{
    private const string Auto = "auto";
    private const string Cpu = "cpu";
    private const string Cuda = "cuda";

    private readonly Option<string> _kernels = new("--kernels")
    {
        Description = "auto, torch (TorchSharp operations), cpu (own float32 kernels: same bits whatever the batch) or cuda (own bf16 kernels)",
        HelpName = "NAME",
        DefaultValueFactory = _ => Auto,
        CustomParser = Parsers.Name(Auto, "torch", Cpu, Cuda),
    };

    public void AddTo(Command command) => command.Add(_kernels);

    /// <param name="type">Null if the workers' devices will decide it.</param>
    /// <param name="devices">Of the stages that are launched here.</param>
    public string Resolve(ParseResult parsed, ElementType? type, IReadOnlyList<string> devices)
    {
        var name = parsed.GetRequiredValue(_kernels);
        if (name is Cpu or Cuda)
        {
            var only = name == Cpu ? ElementType.Float32 : ElementType.BFloat16;
            if (devices.FirstOrDefault(device => (device == Cpu) != (name == Cpu)) is { } elsewhere)
            {
                throw new UserErrorException($"--kernels {name} compute on {(name == Cpu ? "CPUs" : "GPUs")}, but a stage is on {elsewhere}; change --device or leave out --kernels");
            }

            if (type is { } other && other != only)
            {
                throw new UserErrorException($"--kernels {name} compute in {only.ShortName()}, not in {other.ShortName()}; use --dtype {only.ShortName()} or --kernels torch");
            }
        }

        return name;
    }
}
