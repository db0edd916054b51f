using System.ClientModel;
using System.ClientModel.Primitives;
using System.Diagnostics;
using OpenAI;
using OpenAI.Chat;
using Pipeline.Cluster.Tests.Nodes;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The official client at the cluster's Service, without retries of its own.</summary>
internal sealed class ServiceClient(TestCluster cluster, string model)
{
    private const int Tokens = 24;

    /// <summary>One greedy answer, wherever the Service leads now.</summary>
    public async Task<string> AskAsync()
    {
        var address = cluster.AddressOf("coordinator") ?? throw new HttpRequestException("no pod of the Service is ready");
        var options = new OpenAIClientOptions { Endpoint = new Uri($"http://{address}:8000/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0), NetworkTimeout = Eventually.Limit };
        ChatCompletion answer = await new ChatClient(model, new ApiKeyCredential("any"), options).CompleteChatAsync(
            [new UserChatMessage("Speak, Romeo.")], new ChatCompletionOptions { MaxOutputTokenCount = Tokens, Temperature = 0 }, TestContext.Current.CancellationToken);
        Assert.True(answer.Usage.OutputTokenCount > 0);
        return answer.Content[0].Text;
    }

    /// <summary>Asks again and again, one after the other, until something else is done, and once more after that.</summary>
    public async Task<ServiceRecord> AskUntilAsync(Task done)
    {
        var record = new ServiceRecord();
        for (var last = false; !last;)
        {
            last = done.IsCompleted;
            await AskUntilAnsweredAsync(record);
        }

        await done;
        return record;
    }

    public async Task<ServiceRecord> AskUntilAnsweredAsync() => await AskUntilAsync(Task.CompletedTask);

    /// <summary>As a patient client does that is told to come back.</summary>
    private async Task AskUntilAnsweredAsync(ServiceRecord record)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < Eventually.Limit)
        {
            try
            {
                record.Add(await AskAsync(), Stopwatch.GetElapsedTime(began));
                return;
            }
            catch (Exception refusal) when (refusal is HttpRequestException or ClientResultException { Status: 0 or 503 } or IOException)
            {
                record.Refuse(refusal.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
            }
        }

        throw new TimeoutException($"nobody answered; {record}\n{cluster.History}");
    }
}
