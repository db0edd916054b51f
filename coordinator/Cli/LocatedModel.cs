using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli;

/// <summary>A model that a command was pointed at. <see cref="Folder"/> is null for a built-in shape, which has no weights.</summary>
internal sealed record LocatedModel(ModelConfig Config, string? Folder, IReadOnlyList<string> Notes);
