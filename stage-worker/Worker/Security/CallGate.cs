using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Diagnostics;

namespace Pipeline.StageWorker.Security;

/// <summary>
/// In front of every call, before any of its messages is read: the port for probes answers probes and nothing else, and a peer
/// that is who it says may still do only what is its own to do.
/// </summary>
internal sealed class CallGate(PeerSecurity security, ILogger<CallGate> logger) : IMiddleware
{
    private const string Health = "/grpc.health.v1.Health/";

    /// <summary>A question about health names a service, and that is all.</summary>
    private const int LargestProbe = 4096;

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<HealthOnly>() is not null)
        {
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = LargestProbe;
            return IsHealth(context) ? next(context) : Refuse(context, new RpcException(new Status(StatusCode.Unimplemented, "this port answers grpc.health.v1 and nothing else")));
        }

        var peer = context.Features.Get<AuthenticatedPeer>();
        peer?.Handshake.Use();
        if (peer is null || IsHealth(context) || CallRules.Allows(peer.Identity, security.StageIndex!.Value, context.Request.Path))
        {
            return next(context);
        }

        var problem = $"{context.Request.Path} of stage {security.StageIndex} is for {CallRules.AllowedFor(security.StageIndex.Value, context.Request.Path)}; presented was {peer.Certificate}";
        Log.PeerRefused(logger, $"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}", problem);
        return Refuse(context, StageErrorCodec.ToRpc(new StageException(StageError.Untrusted, problem, security.StageIndex)));
    }

    private static bool IsHealth(HttpContext context) => context.Request.Path.StartsWithSegments(Health.TrimEnd('/'), StringComparison.Ordinal);

    /// <summary>An answer of headers only, as gRPC has it.</summary>
    private static Task Refuse(HttpContext context, RpcException refusal)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)refusal.StatusCode).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = Uri.EscapeDataString(refusal.Status.Detail);
        foreach (var entry in refusal.Trailers)
        {
            context.Response.Headers[entry.Key] = entry.Value;
        }

        return Task.CompletedTask;
    }
}
