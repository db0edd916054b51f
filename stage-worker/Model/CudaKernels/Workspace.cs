using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// The activations of a step, one buffer for each role, reused by every layer: an operation's result is consumed before the
/// same operation runs again. Nothing is allotted inside a step once the largest step was seen, and addresses stay as they are.
/// </summary>
internal sealed class Workspace(torch.Device device) : IDisposable
{
    private const int LeastRows = 64;

    private readonly Dictionary<(string Role, int Columns), torch.Tensor> _buffers = [];
    private readonly Dictionary<(string Role, int Columns, int Rows), torch.Tensor> _views = [];

    /// <summary>Changes when the address of a buffer does.</summary>
    public int Generation { get; private set; }

    /// <summary>bf16 <c>[rows, columns]</c>, owned by the workspace; contents are left over from before.</summary>
    public torch.Tensor Rows(string role, int rows, int columns)
    {
        if (_views.TryGetValue((role, columns, rows), out var known))
        {
            return known;
        }

        if (!_buffers.TryGetValue((role, columns), out var buffer) || buffer.shape[0] < rows)
        {
            buffer = Grow(role, rows, columns);
        }

        var view = buffer.narrow(0, 0, rows).DetachFromDisposeScope();
        _views[(role, columns, rows)] = view;
        return view;
    }

    public void Dispose()
    {
        foreach (var tensor in _views.Values.Concat(_buffers.Values))
        {
            tensor.Dispose();
        }
    }

    private torch.Tensor Grow(string role, int rows, int columns)
    {
        foreach (var key in _views.Keys.Where(key => key.Role == role && key.Columns == columns).ToList())
        {
            _views.Remove(key, out var view);
            view!.Dispose();
        }

        if (_buffers.Remove((role, columns), out var old))
        {
            old.Dispose();
        }

        // Zeros: padding rows are computed with, and should hold numbers.
        var buffer = torch.zeros([Math.Max(rows, LeastRows), columns], torch.ScalarType.BFloat16, device).DetachFromDisposeScope();
        _buffers[(role, columns)] = buffer;
        Generation++;
        return buffer;
    }
}
