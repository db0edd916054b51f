using Pipeline.Model.Kernels;

namespace Pipeline.Model.Tests;

/// <summary>Every implementation of the kernels that runs on this machine: the whole suite runs for each of them.</summary>
public static class KernelSets
{
    public static TheoryData<string> All => [.. KernelSelection.Names];

    /// <summary>Every kernel set with every value.</summary>
    public static TheoryData<string, int> With(IEnumerable<int> values)
    {
        var data = new TheoryData<string, int>();
        foreach (var value in values)
        {
            foreach (var name in KernelSelection.Names)
            {
                data.Add(name, value);
            }
        }

        return data;
    }
}
