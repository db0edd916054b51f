using Pipeline.Cluster.Tests.Images;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>An image as a node has it: what its Dockerfile says, and where the folders that it copies lie on this machine.</summary>
/// <param name="Folders">Path in the image to folder of this machine.</param>
internal sealed record ContainerImage(Dockerfile File, IReadOnlyDictionary<string, string> Folders);
