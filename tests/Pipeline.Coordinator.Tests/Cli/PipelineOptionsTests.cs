using System.CommandLine;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli;

public class PipelineOptionsTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("--enable-prefix-caching", true)]
    [InlineData("--enable-prefix-caching false", false)]
    [InlineData("--no-enable-prefix-caching", false)]
    [InlineData("--enable-prefix-caching false --no-enable-prefix-caching", false)]
    public void PrefixCaching_OfACommandThatGenerates_IsOnUnlessSwitchedOff(string arguments, bool expected) =>
        Assert.Equal(expected, Resolve((options, command) => options.AddTo(command), arguments).PrefixCaching);

    [Fact]
    public void PrefixCaching_OfACommandThatMeasures_IsOff()
    {
        Assert.False(Resolve((options, command) => options.AddWithoutStagesTo(command), "").PrefixCaching);
        Assert.False(Resolve((options, command) => options.AddForManyPlansTo(command), "").PrefixCaching);
    }

    [Theory]
    [InlineData("", ElementType.Float32, false)]
    [InlineData("--device cpu,cpu", ElementType.Float32, false)]
    [InlineData("--device cuda", ElementType.BFloat16, false)]
    [InlineData("--device cpu,cuda:0", ElementType.BFloat16, false)]
    [InlineData("--device cpu,cpu,cuda:0", ElementType.Float32, false)]
    [InlineData("--device cpu --dtype bf16", ElementType.BFloat16, false)]
    [InlineData("--workers a:1,b:2", ElementType.Float32, true)]
    [InlineData("--workers a:1,b:2 --dtype bf16", ElementType.BFloat16, false)]
    public void ComputeType_NotAskedFor_IsThatOfTheDevices(string arguments, ElementType type, bool followsWorkers)
    {
        var settings = Resolve((options, command) => options.AddTo(command), arguments);

        Assert.Equal((type, followsWorkers), (settings.ComputeType, settings.TypeFollowsWorkers));
    }

    [Theory]
    [InlineData("--kernels cpu --dtype bf16", "--kernels cpu compute in f32, not in bf16; use --dtype f32 or --kernels torch")]
    [InlineData("--kernels cpu --device cuda", "--kernels cpu compute on CPUs, but a stage is on cuda:0")]
    [InlineData("--kernels cuda", "--kernels cuda compute on GPUs, but a stage is on cpu")]
    [InlineData("--kernels cuda --device cuda --dtype f32", "--kernels cuda compute in bf16, not in f32")]
    [InlineData("--kernels cuda --workers a:1,b:2 --dtype f32", "--kernels cuda compute in bf16, not in f32")]
    [InlineData("--dtype f16", "--dtype f16 is not for weights stored as bf16; use --dtype f32 or bf16")]
    [InlineData("--dtype f16 --load-format dummy", "--dtype f16 is not for weights stored as bf16; use --dtype f32 or bf16")]
    [InlineData("--enable-prefix-caching --no-enable-prefix-caching", "--enable-prefix-caching and --no-enable-prefix-caching contradict each other")]
    [InlineData("--workers a:1", "--workers names 1 worker, but --stages asks for 2")]
    [InlineData("--workers a:1 --workers-dns stage", "--workers and --workers-dns both say where the workers are; leave one out")]
    [InlineData("--workers a:1,b:2 --device cpu", "--device is for stages launched here")]
    public void Resolve_WhatCannotCompute_IsRefused(string arguments, string expected)
    {
        var error = Assert.Throws<UserErrorException>(() => Resolve((options, command) => options.AddTo(command), arguments));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--kernels cuda --workers a:1,b:2")]
    [InlineData("--kernels cuda --device cuda")]
    [InlineData("--kernels cpu")]
    public void Resolve_KernelsThatMayFit_AreTaken(string arguments) =>
        Assert.StartsWith("c", Resolve((options, command) => options.AddTo(command), arguments).Kernels, StringComparison.Ordinal);

    private static PipelineSettings Resolve(Action<PipelineOptions, Command> add, string arguments)
    {
        var (options, command) = (new PipelineOptions(), new Command("test"));
        add(options, command);
        var parsed = command.Parse($"--model {Fixtures.TinyMixtral} {arguments}");
        Assert.Empty(parsed.Errors);
        return options.ResolveAt(parsed, options.Model(parsed), stages: 2, sequences: 3, longest: 40, seed: 0);
    }
}
