using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using k8s.Models;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>One question of a probe, asked as the kubelet asks it: a connection of its own, at the pod's address, with the probe's timeout.</summary>
internal static class Probe
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });

    public static async Task<bool> AskAsync(V1Probe probe, V1Container container, string address, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(probe.TimeoutSeconds ?? 1));
        try
        {
            return probe.Grpc is { } grpc ? await AskHealthAsync(grpc, address, timeout.Token) : await AskPathAsync(probe.HttpGet, container, address, timeout.Token);
        }
        catch (Exception failure) when (failure is RpcException or HttpRequestException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return false;
        }
    }

    private static async Task<bool> AskHealthAsync(V1GRPCAction grpc, string address, CancellationToken cancellationToken)
    {
        using var channel = GrpcChannel.ForAddress($"http://{address}:{grpc.Port}");
        var answer = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest { Service = grpc.Service ?? "" }, cancellationToken: cancellationToken);
        return answer.Status == HealthCheckResponse.Types.ServingStatus.Serving;
    }

    private static async Task<bool> AskPathAsync(V1HTTPGetAction http, V1Container container, string address, CancellationToken cancellationToken)
    {
        var port = container.Ports.First(port => port.Name == http.Port.Value).ContainerPort;
        using var answer = await Http.GetAsync(new Uri($"http://{address}:{port}{http.Path}"), cancellationToken);
        return (int)answer.StatusCode is >= 200 and < 400;
    }
}
