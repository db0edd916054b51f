using System.Net;
using Pipeline.Coordinator.Serving;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Cli.Serve;

/// <summary>Everything <c>serve</c> was asked to do, checked.</summary>
internal sealed record ServePlan(LocatedModel Located, ServedModel Model, PipelineSettings Settings, ServerOptions Server, IPAddress Address);
