namespace Pipeline.StageWorker.Tests.Sessions;

/// <summary>A stage tells of every step it has taken, in order and with times that make sense, without being asked.</summary>
public class ReportTests
{
    [Fact]
    public async Task Report_OfARun_TellsOfEveryStep()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        var steps = Script.Write();
        foreach (var step in steps)
        {
            await stage.StepAsync(step);
        }

        await Eventually.HoldsAsync(() => Task.FromResult(stage.ReportCount == steps.Count), "the reports");
        Assert.Equal(
            steps.Select(step => (0, step.Step, step.Id, step.TokenCount, step.Slices.Count)),
            stage.Reports.Select(report => (report.StageIndex, report.Step, report.Microbatch, report.Tokens, report.Sequences)));
        Assert.All(stage.Reports, report =>
        {
            Assert.True(report.Received <= report.Started, $"{report}");
            Assert.True(report.Started < report.Finished, $"{report}");
            Assert.True(report.Finished <= report.Sent, $"{report}");
        });
        Assert.All(stage.Reports.Zip(stage.Reports.Skip(1)), pair => Assert.True(pair.First.Finished <= pair.Second.Started));
    }
}
