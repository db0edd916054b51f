namespace Pipeline.Model.NativeLibraries;

/// <summary>libtorch or TorchSharp's native library cannot be found or loaded; the message says what to do.</summary>
public sealed class TorchRuntimeException(string message, Exception? inner = null) : Exception(message, inner);
