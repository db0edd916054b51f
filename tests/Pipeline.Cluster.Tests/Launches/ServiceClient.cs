using System.ClientModel;
using System.ClientModel.Primitives;
using System.Diagnostics;
using OpenAI;
using OpenAI.Chat;
using Pipeline.Cluster.Tests.Nodes;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The official client at the cluster's Service, without retries of its own.</summary>
internal sealed class ServiceClient(TestCluster cluster)
{
    private const string Model = "tiny-mixtral";

    /// <summary>One greedy answer of so many tokens, wherever the Service leads now.</summary>
    public async Task<string> AskAsync(int tokens)
    {
        var address = cluster.AddressOf("coordinator") ?? throw new HttpRequestException("no pod of the Service is ready");
        var options = new OpenAIClientOptions { Endpoint = new Uri($"http://{address}:8000/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0), NetworkTimeout = Eventually.Limit };
        ChatCompletion answer = await new ChatClient(Model, new ApiKeyCredential("any"), options).CompleteChatAsync(
            [new UserChatMessage("Speak, Romeo.")], new ChatCompletionOptions { MaxOutputTokenCount = tokens, Temperature = 0 }, TestContext.Current.CancellationToken);
        Assert.True(answer.Usage.OutputTokenCount > 0);
        return answer.Content[0].Text;
    }

    /// <summary>As a patient client does that is told to come back; gives the answer and the seconds that it took.</summary>
    public async Task<(string Text, double Seconds)> AskUntilAnsweredAsync(int tokens)
    {
        var began = Stopwatch.GetTimestamp();
        Exception? last = null;
        while (Stopwatch.GetElapsedTime(began) < Eventually.Limit)
        {
            try
            {
                return (await AskAsync(tokens), Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
            catch (Exception refusal) when (refusal is HttpRequestException or ClientResultException { Status: 0 or 503 } or IOException)
            {
                last = refusal;
                await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
            }
        }

        throw new TimeoutException($"nobody answered; at last: {last?.Message}\n{cluster.History}");
    }
}
