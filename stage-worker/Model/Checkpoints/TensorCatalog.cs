using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>All files of a checkpoint, opened, with their tensors by name. Index and files have been held against each other.</summary>
internal sealed class TensorCatalog : IDisposable
{
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOf = [];

    private TensorCatalog()
    {
    }

    public IReadOnlyCollection<string> Names => _fileOf.Keys;

    public IReadOnlyList<string> Files => [.. _files.Select(file => file.Path)];

    public static TensorCatalog Open(SafetensorsIndex index)
    {
        var catalog = new TensorCatalog();
        try
        {
            foreach (var path in index.Files)
            {
                catalog.Add(SafetensorsFile.Open(path), index);
            }

            catalog.RefuseAbsent(index);
            return catalog;
        }
        catch
        {
            catalog.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => _fileOf.ContainsKey(name);

    public string PathOf(string name) => _fileOf[name].Path;

    public TensorBytes Tensor(string name) => _fileOf[name].Tensor(name);

    /// <summary>Tells the layout by the tensors' names, which is surer than by the files' names.</summary>
    public CheckpointLayout DetectLayout()
    {
        var embedding = TensorSlot.OfModel(TensorKind.Embedding);
        if (Contains(TensorNames.Of(embedding, CheckpointLayout.Mistral)))
        {
            var stacked = TensorNames.Of(
                TensorSlot.OfExpert(TensorKind.GateProjection, 0, 0), CheckpointLayout.MistralStackedExperts);
            return Contains(stacked) ? CheckpointLayout.MistralStackedExperts : CheckpointLayout.Mistral;
        }

        return Contains(TensorNames.Of(embedding, CheckpointLayout.HuggingFace))
            ? CheckpointLayout.HuggingFace
            : throw new CheckpointException(
                $"{_files[0].Path} and the files with it hold no token embedding: neither "
                + $"{TensorNames.Of(embedding, CheckpointLayout.HuggingFace)} nor {TensorNames.Of(embedding, CheckpointLayout.Mistral)}");
    }

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Add(SafetensorsFile file, SafetensorsIndex index)
    {
        _files.Add(file);
        foreach (var name in file.Header.Tensors.Keys)
        {
            if (!_fileOf.TryAdd(name, file))
            {
                throw new CheckpointException($"tensor {name} is in two files: {_fileOf[name].Path} and {file.Path}");
            }

            if (index.WeightMap is { } map && (!map.TryGetValue(name, out var path) || path != file.Path))
            {
                throw new CheckpointException(
                    $"tensor {name} is in {file.Path}, but {index.Source} "
                    + (path is null ? "does not name it" : $"says it is in {Path.GetFileName(path)}"));
            }
        }
    }

    private void RefuseAbsent(SafetensorsIndex index)
    {
        foreach (var (name, path) in index.WeightMap ?? new Dictionary<string, string>())
        {
            if (!Contains(name))
            {
                throw new CheckpointException($"{index.Source} says that tensor {name} is in {path}, but it is not");
            }
        }
    }
}
