using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.Shared.Tests.Models;
using Pipeline.TestKit;

namespace Pipeline.Shared.Tests.Checkpoints;

public class StoredTypesTests
{
    [Theory]
    [InlineData("random-mixtral", ElementType.Float32)]
    [InlineData("random-mistral-consolidated", ElementType.Float32)]
    public void In_Fixture_IsTheTypeOfItsHeaders(string name, ElementType expected)
    {
        var folder = Fixtures.At(name);
        Assert.Equal([expected], StoredTypes.In(folder, ModelConfigFile.Read(folder).Config));
    }

    /// <summary>Some old conversions stored a table in float32 that nobody loads.</summary>
    [Fact]
    public void In_WhatIsNoWeight_DoesNotCount()
    {
        using var folder = ModelFolder.WithConfig();
        File.WriteAllBytes(Path.Combine(folder.Path, "model.safetensors"), SafetensorsBytes.Of(
            """
            {"model.embed_tokens.weight":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},
             "model.layers.0.self_attn.rotary_emb.inv_freq":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}
            """, 6));

        Assert.Equal([ElementType.Float16], StoredTypes.In(folder.Path, ModelConfigFile.Read(folder.Path).Config));
    }

    [Theory]
    [InlineData("consolidated.00.pth")]
    [InlineData("model.safetensors")]
    public void In_NoHeaderThatCanBeRead_IsNothing(string only)
    {
        using var folder = ModelFolder.WithConfig().Touch(only);
        Assert.Empty(StoredTypes.In(folder.Path, ModelConfigFile.Read(folder.Path).Config));
    }
}
