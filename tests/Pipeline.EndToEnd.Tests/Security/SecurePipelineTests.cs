using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using Pipeline.Coordinator.Cli;
using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;
using Pipeline.TestKit.Certificates;

namespace Pipeline.EndToEnd.Tests.Security;

/// <summary>The programs with certificates everywhere: from <c>certs init</c> to tokens and on after <c>certs renew</c>, and a server whose certificates all change under load.</summary>
public sealed class SecurePipelineTests : IDisposable
{
    private const int Clients = 4;

    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new("ours");

    [Fact]
    public async Task Run_WithWhatCertsInitWrites_GivesWhatClearTextGives()
    {
        await CommandLineRun.Succeeding("certs", "init", _folder.Path, "--stages", "2");
        await using var first = await SecureWorker.StartAsync(_folder.At("stage-0"));
        await using var second = await SecureWorker.StartAsync(_folder.At("stage-1"));
        string[] arguments = ["run", "--model", Fixtures.TinyMixtral, "--prompt-ids", "1,5,9", "-n", "8", "--temperature", "0", "--threads", "1", "--json"];
        var clear = await CommandLineRun.Succeeding([.. arguments, "--stages", "2"]);

        foreach (var transport in new[] { "grpc", "ipc" })
        {
            var secure = await CommandLineRun.Succeeding([.. arguments, "--workers", $"{first.Address},{second.Address}", "--tls", _folder.At("coordinator"), "--transport", transport]);
            Assert.Equal(clear.Texts, secure.Texts);
        }

        await CommandLineRun.Succeeding("certs", "renew", _folder.Path);
        var renewed = await CommandLineRun.Succeeding([.. arguments, "--workers", $"{first.Address},{second.Address}", "--tls", _folder.At("coordinator")]);
        Assert.Equal(clear.Texts, renewed.Texts);

        var swapped = await CommandLineRun.Of([.. arguments, "--workers", $"{second.Address},{first.Address}", "--tls", _folder.At("coordinator")]);
        Assert.Equal(ExitCode.StageFailed, swapped.ExitCode);
        Assert.Contains(" is wanted (Untrusted)", swapped.Error, StringComparison.Ordinal);
        var log = await first.EndAsync() + await second.EndAsync();
        Assert.Contains("left after the handshake without a call", log, StringComparison.Ordinal);
        Assert.Contains("new certificates are in use: the certificate of stage 1 (", log, StringComparison.Ordinal);
    }

    /// <summary>Answers come over HTTPS, steps over mutual TLS; every certificate is renewed twice meanwhile, and nobody notices.</summary>
    [Fact]
    public async Task Serve_RotationUnderLoad_LosesNothing()
    {
        Rotate();
        await using var first = await SecureWorker.StartAsync(_folder.At("stage-0"));
        await using var second = await SecureWorker.StartAsync(_folder.At("stage-1"));
        await using var server = CoordinatorProcess.Start(
            "", "serve", "--model", Fixtures.TinyMixtral, "--served-model-name", "tiny", "--port", "0", "--transport", "grpc", "--workers", $"{first.Address},{second.Address}",
            "--tls", _folder.At("coordinator"), "--ssl-keyfile", _folder.At("api/tls.key"), "--ssl-certfile", _folder.At("api/tls.crt"));
        await server.WaitForErrorAsync("\nready\n");
        var address = new Uri(server.Error.Split("listening on ")[1].Split(';')[0]);
        Assert.Equal("https", address.Scheme);
        using var probe = Trusting(address);
        var expected = await CompleteAsync(probe);

        using var end = new CancellationTokenSource();
        var load = Enumerable.Range(0, Clients).Select(_ => AskAsync(address, expected, end.Token)).ToList();
        for (var rotation = 0; rotation < 2; rotation++)
        {
            await Task.Delay(500, TestContext.Current.CancellationToken);
            Rotate();
            Assert.Equal(File.ReadAllText(_folder.At("api/tls.crt")).Trim(), await CertificateOfAsync(address));
        }

        await Task.Delay(500, TestContext.Current.CancellationToken);
        await end.CancelAsync();
        var answers = await Task.WhenAll(load);
        Assert.All(answers, count => Assert.True(count > 0, "a client without a single answer proves nothing"));
        Assert.Contains("note: the API shows a new certificate", server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_Https_SpeaksWithTheOfficialClient()
    {
        Rotate();
        await using var server = CoordinatorProcess.Start(
            "", "serve", "--model", Fixtures.TinyMixtral, "--served-model-name", "tiny", "--port", "0", "--threads", "1", "--ssl-keyfile", _folder.At("api/tls.key"), "--ssl-certfile", _folder.At("api/tls.crt"));
        await server.WaitForErrorAsync("\nready\n");
        var address = new Uri(server.Error.Split("listening on ")[1].Split(';')[0]);
        using var http = Trusting(address);
        var client = new ChatClient("tiny", new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(address, "/v1"), Transport = new HttpClientPipelineTransport(http) });
        var answer = await client.CompleteChatAsync([new UserChatMessage("Speak.")], new ChatCompletionOptions { MaxOutputTokenCount = 4 }, TestContext.Current.CancellationToken);
        Assert.NotEmpty(answer.Value.Content[0].Text);

        // Who does not know the authority does not get through, nor who speaks clear text.
        using var stranger = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync(new Uri(address, "/health"), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync(new UriBuilder(address) { Scheme = "http" }.Uri, TestContext.Current.CancellationToken));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    /// <summary>New keys and certificates for everybody, under the same authority.</summary>
    private void Rotate()
    {
        _authority.Write(_folder.At("stage-0"), [TestAuthority.Stage(0)]);
        _authority.Write(_folder.At("stage-1"), [TestAuthority.Stage(1)]);
        _authority.Write(_folder.At("coordinator"), [TestAuthority.Coordinator]);
        _authority.Write(_folder.At("api"), []);
    }

    /// <summary>A new connection for every request: each one is a handshake.</summary>
    private async Task<int> AskAsync(Uri address, string expected, CancellationToken end)
    {
        var count = 0;
        while (!end.IsCancellationRequested)
        {
            using var http = Trusting(address);
            Assert.Equal(expected, await CompleteAsync(http));
            count++;
        }

        return count;
    }

    private static async Task<string> CompleteAsync(HttpClient http)
    {
        using var answer = await http.PostAsJsonAsync("/v1/completions", new { prompt = "ROMEO:\n", max_tokens = 12, temperature = 0 }, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!;
    }

    private HttpClient Trusting(Uri address, Action<X509Certificate2>? look = null)
    {
        var authority = X509Certificate2.CreateFromPem(_authority.Pem);
        var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) =>
            {
                using var chain = new X509Chain();
                (chain.ChainPolicy.TrustMode, chain.ChainPolicy.RevocationMode) = (X509ChainTrustMode.CustomRootTrust, X509RevocationMode.NoCheck);
                chain.ChainPolicy.CustomTrustStore.Add(authority);
                look?.Invoke(certificate!);
                return chain.Build(certificate!);
            },
        };
        return new HttpClient(handler) { BaseAddress = address, Timeout = Eventually.Limit };
    }

    /// <summary>As PEM, what a new connection is shown.</summary>
    private async Task<string> CertificateOfAsync(Uri address)
    {
        var shown = "";
        using var http = Trusting(address, certificate => shown = certificate.ExportCertificatePem());
        using var answer = await http.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken);
        return shown;
    }
}
