using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Images;

/// <summary>The Dockerfiles and what the manifests expect of the images.</summary>
public sealed class ImageTests
{
    private const string Coordinator = "coordinator";
    private const string Worker = "stage-worker";

    [Theory]
    [InlineData(Coordinator)]
    [InlineData(Worker)]
    public void Dockerfile_BreaksNoRule(string name) => Assert.Empty(ImageRules.Complaints(Dockerfile.Read(name), DockerIgnore.Read()));

    [Theory]
    [InlineData("COPY shared/ shared/", "COPY sharred/ shared/", "copies sharred/, which does not exist")]
    [InlineData("COPY shared/ shared/", "COPY tests/ tests/", "copies tests/, which .dockerignore leaves out")]
    [InlineData("COPY --from=build", "COPY --from=builder", "copies from builder")]
    [InlineData("aspnet:${DOTNET}-noble", "aspnet:${DOTNET}-alpine", "not on .NET 10 for Ubuntu")]
    [InlineData("USER 1654:1654\n", "", "runs as root")]
    [InlineData("USER 1654:1654\n", "USER app\n", "runs as app")]
    [InlineData("image.licenses=", "image.license=", "has no label licenses")]
    [InlineData("HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \\\n    CMD", "CMD", "how its health is asked for")]
    [InlineData("ENTRYPOINT [", "ENTRY [", "no program to start")]
    public void PlantedError_IsComplainedOf(string text, string planted, string complaint)
    {
        foreach (var name in new[] { Coordinator, Worker })
        {
            var whole = File.ReadAllText(Repository.At("k8s", "images", $"{name}.Dockerfile"));
            Assert.Contains(text, whole, StringComparison.Ordinal);

            var complaints = ImageRules.Complaints(Dockerfile.Parse(whole.Replace(text, planted, StringComparison.Ordinal)), DockerIgnore.Read());

            Assert.Contains(complaints, found => found.Contains(complaint, StringComparison.Ordinal));
        }
    }

    /// <summary>Builds see the sources; tests, history and whatever was built before stay outside.</summary>
    [Theory]
    [InlineData("shared/Pipeline.Shared.csproj", true)]
    [InlineData("models/tiny-mixtral/config.json", true)]
    [InlineData(".git/HEAD", false)]
    [InlineData("artifacts/bin", false)]
    [InlineData("tests/README.md", false)]
    [InlineData("coordinator/obj/project.assets.json", false)]
    [InlineData("stage-worker/Worker/bin/x.dll", false)]
    public void DockerIgnore_LetsSourcesIn(string path, bool let) => Assert.Equal(let, DockerIgnore.Read().Lets(path));

    /// <summary>The CPU's image must not ask NVIDIA's runtime for GPUs, which on some clusters it would get without a limit.</summary>
    [Fact]
    public void Worker_OnlyTheCudaVariant_AsksForGpus()
    {
        Assert.False(Dockerfile.Read(Worker).Environment.ContainsKey("NVIDIA_VISIBLE_DEVICES"));
        Assert.Equal("all", Dockerfile.Read(Worker, ("LIBTORCH", "cuda")).Environment["NVIDIA_VISIBLE_DEVICES"]);
        Assert.Contains("-p:LibTorch=cuda", string.Join('\n', Dockerfile.Read(Worker, ("LIBTORCH", "cuda")).LinesOf("build")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("coordinator", Coordinator)]
    [InlineData("stage", Worker)]
    public async Task Manifests_UsePortsUserAndCacheOfTheImages(string role, string image)
    {
        var file = Dockerfile.Read(image);
        var pods = (await ManifestSet.OfAsync(Overlays.TinyCpu)).Role(role)!.Spec;

        Assert.Equal(file.Ports, pods.Containers[0].Ports.Select(port => port.ContainerPort));
        Assert.Equal(file.User, $"{pods.SecurityContext.RunAsUser}:{pods.SecurityContext.RunAsGroup}");
        if (file.Environment.TryGetValue("XDG_CACHE_HOME", out var cache))
        {
            Assert.Contains(pods.Containers[0].VolumeMounts, mount => mount.MountPath == cache && pods.Volumes.Any(volume => volume.Name == mount.Name && volume.EmptyDir is not null));
        }
    }
}
