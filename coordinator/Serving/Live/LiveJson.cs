using System.Text.Json.Serialization;
using Pipeline.Coordinator.Observation;

namespace Pipeline.Coordinator.Serving.Live;

/// <summary>The view on the wire, for the page and for <c>coordinator top</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PipelineView))]
internal sealed partial class LiveJson : JsonSerializerContext;
