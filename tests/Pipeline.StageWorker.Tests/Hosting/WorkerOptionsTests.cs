using Microsoft.Extensions.Options;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.StageWorker.Tests.Hosting;

/// <summary>What a worker can be told at its start, and what it says to everything else.</summary>
public class WorkerOptionsTests
{
    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("0.0.0.0:65535")]
    [InlineData("localhost:50051")]
    [InlineData("*:50051")]
    [InlineData("[::1]:50051")]
    public void Listen_Address_IsTaken(string listen) => Assert.True(Validate(new WorkerOptions { Listen = listen }).Succeeded);

    [Theory]
    [InlineData("here")]
    [InlineData(":50051")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:-1")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.0.0.1:+80")]
    [InlineData("127.0.0.1: 80")]
    [InlineData("127.0.0.256:80")]
    [InlineData("127.1:80")]
    [InlineData("::1:80")]
    [InlineData("[::1:80")]
    [InlineData("[]:80")]
    [InlineData("example.org:80")]
    [InlineData("http://127.0.0.1:80")]
    public void Listen_AnythingElse_IsRefusedWithAnExample(string listen) => Assert.Equal(
        [$"--listen wants an IP address and a port from 0 to 65535, for instance 127.0.0.1:0 or 0.0.0.0:50051; got '{listen}'"],
        Validate(new WorkerOptions { Listen = listen }).Failures!);

    [Theory]
    [InlineData("cpu")]
    [InlineData("cuda")]
    [InlineData("cuda:0")]
    [InlineData("cuda:15")]
    public void Device_Name_IsTaken(string device) => Assert.True(Validate(new WorkerOptions { Device = device }).Succeeded);

    [Theory]
    [InlineData("tpu")]
    [InlineData("CPU")]
    [InlineData("cpu:0")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:100")]
    [InlineData("cuda:0\n")]
    [InlineData(" cuda")]
    public void Device_AnythingElse_IsRefusedWithTheNames(string device) => Assert.Equal(
        [$"--device wants cpu, cuda or cuda:N, got '{device}'"], Validate(new WorkerOptions { Device = device }).Failures!);

    [Fact]
    public void Both_Wrong_AreBothTold() => Assert.Equal(2, Validate(new WorkerOptions { Listen = "here", Device = "there" }).Failures!.Count());

    [Theory]
    [InlineData("127.0.0.1:5000", "127.0.0.1:5000")]
    [InlineData("127.0.0.1:5000", "0.0.0.0:5000")]
    [InlineData("*:5000", "localhost:5000")]
    public void HealthListen_PortOfListen_IsRefused(string listen, string health) => Assert.Equal(
        [$"--listen {listen} and --health-listen {health} want the same port; give one of them another"],
        new OwnAddressesValidator().Validate(null, new WorkerOptions { Listen = listen, HealthListen = health }).Failures!);

    [Theory]
    [InlineData("127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("127.0.0.1:5000", "127.0.0.2:5000")]
    [InlineData("0.0.0.0:5000", "0.0.0.0:5001")]
    [InlineData("0.0.0.0:5000", null)]
    public void HealthListen_AddressOfItsOwn_IsTaken(string listen, string? health) =>
        Assert.True(new OwnAddressesValidator().Validate(null, new WorkerOptions { Listen = listen, HealthListen = health }).Succeeded);

    /// <summary>Also where nobody has looked at the options before.</summary>
    [Fact]
    public async Task Start_BadOptions_IsRefused()
    {
        await using var app = WorkerHost.Build(new WorkerOptions { Listen = "127.0.0.1:0", Device = "tpu" }, TestLog.InsteadOfTheConsole);
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("--device wants cpu, cuda or cuda:N, got 'tpu'", failure.Message, StringComparison.Ordinal);
    }

    private static ValidateOptionsResult Validate(WorkerOptions options) => new WorkerOptionsValidator().Validate(null, options);
}
