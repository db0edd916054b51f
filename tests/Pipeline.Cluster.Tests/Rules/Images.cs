using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Images of this repository, each with one tag that says what it is.</summary>
internal static class Images
{
    public static IEnumerable<string> Complaints(ManifestSet set)
    {
        var images = set.PodSources.SelectMany(source => source.AllContainers).Select(container => container.Image.Split(':', 2)).ToList();
        return
        [
            .. from image in images where image.Length < 2 || image[1] is "" or "latest" select $"the image {image[0]} has no tag that stays what it is",
            .. from image in images
               where !File.Exists(Repository.At("k8s", "images", $"{image[0].Replace("pipeline-", "", StringComparison.Ordinal)}.Dockerfile"))
               select $"the image {image[0]} is not made here",
            .. from same in images.GroupBy(image => image[0]) where same.Select(image => image[^1]).Distinct().Count() > 1 select $"the image {same.Key} is wanted with several tags",
        ];
    }
}
