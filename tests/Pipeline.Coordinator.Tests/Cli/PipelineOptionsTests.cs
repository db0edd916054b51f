using System.CommandLine;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Stages;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli;

public class PipelineOptionsTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("--enable-prefix-caching", true)]
    [InlineData("--enable-prefix-caching false", false)]
    [InlineData("--no-enable-prefix-caching", false)]
    [InlineData("--enable-prefix-caching --no-enable-prefix-caching", false)]
    public void PrefixCaching_OfACommandThatGenerates_IsOnUnlessSwitchedOff(string arguments, bool expected) =>
        Assert.Equal(expected, Resolve((options, command) => options.AddTo(command), arguments).PrefixCaching);

    [Fact]
    public void PrefixCaching_OfACommandThatMeasures_IsOff()
    {
        Assert.False(Resolve((options, command) => options.AddWithoutStagesTo(command), "").PrefixCaching);
        Assert.False(Resolve((options, command) => options.AddForManyPlansTo(command), "").PrefixCaching);
    }

    private static PipelineSettings Resolve(Action<PipelineOptions, Command> add, string arguments)
    {
        var (options, command) = (new PipelineOptions(), new Command("test"));
        add(options, command);
        var parsed = command.Parse($"--model {Fixtures.TinyMixtral} {arguments}");
        Assert.Empty(parsed.Errors);
        return options.ResolveAt(parsed, options.Model(parsed), stages: 2, sequences: 3, longest: 40, seed: 0);
    }
}
