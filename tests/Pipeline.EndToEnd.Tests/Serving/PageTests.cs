namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>The server's page in a real browser. What a user does with it stands in <c>tests/fixtures/browser</c>.</summary>
public sealed class PageTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly string[] Browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    [Fact]
    public async Task EveryCheck_Succeeds()
    {
        var browser = Array.Find(Browsers, File.Exists);
        Assert.SkipWhen(browser is null, "there is no Chromium on this machine");

        var run = await new NodeScript("browser", "page.mjs", "playwright-core").RunAsync(shared.Server.Address.ToString(), browser!);

        Assert.True(run.ExitCode == 0, $"{run.Output}\n{run.Error}");
        Assert.Equal(8, run.Output.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
        await shared.Server.WaitUntilIdleAsync();
    }
}
