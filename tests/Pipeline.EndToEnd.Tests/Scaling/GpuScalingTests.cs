using System.Globalization;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Scaling;

/// <summary>
/// Throughput tests across several GPUs, by <c>tools/gpu-scaling</c>. They take minutes and a host of their own, so they run only when
/// asked: <c>PIPELINE_SCALING=cuda</c>, or <c>cpu</c> to try them out. What it decides is tested always, with an nvidia-smi of our own.
/// </summary>
public sealed class GpuScalingTests : IDisposable
{
    private const string Variable = "PIPELINE_SCALING";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gpu-scaling-");

    [Fact]
    public async Task Scaling_OnThisHost_IsProvedMeasuredAndDrawn()
    {
        var device = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(device), $"throughput tests take minutes and several GPUs; {Variable}=cuda runs them, {Variable}=cpu tries them out");

        var run = await ProgramRun.Of(Script, _folder.FullName, "--device", device!);

        Assert.True(run.ExitCode == 0, run.Error);
        TestContext.Current.TestOutputHelper!.WriteLine(await TextAsync("summary.md"));
        Assert.Contains("\"passed\": true", await TextAsync("verify.json"), StringComparison.Ordinal);
        Assert.StartsWith("<svg", (await TextAsync("scaling.svg")).TrimStart(), StringComparison.Ordinal);
        var rows = (await TextAsync("summary.md")).Split('\n').Where(line => line.StartsWith("| strong", StringComparison.Ordinal) || line.StartsWith("| weak", StringComparison.Ordinal)).ToList();
        Assert.Equal((await TextAsync("results.csv")).Trim().Split('\n').Length - 1, rows.Count);
        Assert.All(rows, row => Assert.True(double.Parse(row.Split('|')[5], CultureInfo.InvariantCulture) > 0, row));
        // Prefill and decode, strong and weak.
        Assert.All(new[] { "| strong | pp", "| strong | tg", "| weak | pp", "| weak | tg" }, kind => Assert.Contains(rows, row => row.StartsWith(kind, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task FourGpus_EachStageHasItsOwn()
    {
        var plan = await PlanAsync(gpus: 4);

        Assert.Contains("placement: each stage has a GPU of its own\n", plan, StringComparison.Ordinal);
        Assert.Contains("bench --model mistral-7b-v0.1 --device cuda:0,cuda:1,cuda:2,cuda:3 --dtype bf16 --load-format dummy --stages 1,2,4 --weak", plan, StringComparison.Ordinal);
        Assert.Contains("verify --model mistral-7b-v0.1 --device cuda:0,cuda:1,cuda:2,cuda:3 --dtype bf16 --load-format dummy --stages 1,2,4 --chunk 512,all --microbatches 1", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EightGpus_AreAllUsed() => Assert.Contains("--stages 1,2,4,8 --weak", await PlanAsync(gpus: 8), StringComparison.Ordinal);

    [Fact]
    public async Task OneGpu_IsSharedAndSaysSo()
    {
        var plan = await PlanAsync(gpus: 1);

        Assert.Contains("placement: up to 4 stages share 1 GPU: this shows what the hops cost, not how throughput grows\n", plan, StringComparison.Ordinal);
        Assert.Contains("--device cuda:0 --dtype bf16 --load-format dummy --stages 1,2,4", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MoreStagesThanGpus_AreSharedAndSaySo() =>
        Assert.Contains("placement: up to 8 stages share 2 GPUs: ", await PlanAsync(gpus: 2, "--stages", "8"), StringComparison.Ordinal);

    [Fact]
    public async Task NoGpu_TakesTheProcessorAndTheModelOfTheRepository()
    {
        var plan = await PlanAsync(gpus: 0);

        Assert.Contains("placement: all stages share the processor", plan, StringComparison.Ordinal);
        Assert.Contains("tiny-mixtral --device cpu --dtype f32 --stages 1,2,4", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("dummy", plan, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--device cuda, but nvidia-smi finds no GPU", "--device", "cuda")]
    [InlineData("--device wants cuda or cpu, got 'gpu'", "--device", "gpu")]
    [InlineData("--stages wants numbers", "--stages", "1,two")]
    [InlineData("unknown option --steps", "--steps", "1")]
    [InlineData("--model wants a value", "--model")]
    public async Task WrongOptions_AreRefusedWithWhatWouldBeRight(string message, params string[] options)
    {
        var run = await RunAsync(gpus: 0, options);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"gpu-scaling: {message}", run.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string Script => Path.GetFullPath(Path.Combine(Fixtures.At(), "..", "..", "tools", "gpu-scaling"));

    private Task<string> TextAsync(string file) => File.ReadAllTextAsync(Path.Combine(_folder.FullName, file), TestContext.Current.CancellationToken);

    private async Task<string> PlanAsync(int gpus, params string[] options)
    {
        var run = await RunAsync(gpus, options);
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Output;
    }

    /// <summary>With as many GPUs as an nvidia-smi of our own tells of; nothing is measured.</summary>
    private async Task<ProgramRun> RunAsync(int gpus, string[] options)
    {
        var smi = Path.Combine(_folder.FullName, "nvidia-smi");
        await File.WriteAllTextAsync(smi, $"#!/bin/sh\nfor gpu in $(seq 1 {gpus}); do echo \"GPU $gpu: some card\"; done\n", TestContext.Current.CancellationToken);
        await ProgramRun.Of("chmod", "u+x", smi);
        return await ProgramRun.Of("env", [$"PATH={_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}", Script, _folder.FullName, "--dry-run", .. options]);
    }
}
