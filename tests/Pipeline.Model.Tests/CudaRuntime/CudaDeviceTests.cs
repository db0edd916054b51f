using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.Tests.CudaRuntime;

public class CudaDeviceTests
{
    /// <summary>With a driver or without: what is missing is named, together with the device that was asked for.</summary>
    [Fact]
    public void Open_DeviceThatIsNotThere_SaysWhatIsMissing()
    {
        var exception = Assert.Throws<CudaException>(() => CudaDevice.Open(98));
        Assert.Contains("cuda:98", exception.Message, StringComparison.Ordinal);
        Assert.Matches("driver|numbered from 0", exception.Message);
    }

    [Fact]
    public void Folders_OfAPyTorchInstall_AreThoseBesideTorch()
    {
        var root = Directory.CreateTempSubdirectory("site-packages").FullName;
        var torch = Directory.CreateDirectory(Path.Combine(root, "torch", "lib")).FullName;
        var libraries = Directory.CreateDirectory(Path.Combine(root, "nvidia", "cu13", "lib")).FullName;
        try
        {
            Assert.Equal([torch, libraries], CudaLibraries.Folders(torch).Take(2));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
