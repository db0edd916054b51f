namespace Pipeline.Shared.Models;

/// <summary>A model's configuration is missing, contradicts itself or asks for something not supported. The message names the file and field.</summary>
public sealed class ModelConfigException(string message) : Exception(message);
