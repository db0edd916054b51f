namespace Pipeline.HouseRules.Tests;

/// <summary>Every rule sees the breach it is there for.</summary>
public class RulesTests
{
    [Theory]
    [InlineData("shared/Models/A.cs", "using Pipeline.Protos.Codec;")]
    [InlineData("coordinator/Scheduling/A.cs", "using Pipeline.Coordinator.Execution;")]
    [InlineData("coordinator/Scheduling/A.cs", "using Wire = Pipeline.Protos.V1;")]
    [InlineData("stage-worker/Model/Layers/A.cs", "using static Pipeline.Protos.Codec.X;")]
    [InlineData("coordinator/Cli/A.cs", "using Pipeline.Model;")]
    public void ImportsThroughWalls_ForbiddenImport_IsSeen(string path, string import) =>
        Assert.Single(Rules.ImportsThroughWalls([new SourceFile(path, $"{import}\n\nnamespace Pipeline.Somewhere;\n")]));

    [Fact]
    public void ImportsThroughWalls_OwnRoomAndDoors_AreFree() => Assert.Empty(Rules.ImportsThroughWalls(
        [new SourceFile("coordinator/Scheduling/A.cs", "using Pipeline.Shared.Batching;\nusing System.Text;\n\nnamespace Pipeline.Coordinator.Scheduling;\n")]));

    [Fact]
    public void AsynchronousMaths_Await_IsSeen() => Assert.Single(Rules.AsynchronousMaths([new SourceFile("stage-worker/Model/A.cs", "await x;")]));

    [Fact]
    public void AsynchronousMaths_OutsideTheModel_IsFree() => Assert.Empty(Rules.AsynchronousMaths([new SourceFile("stage-worker/Worker/A.cs", "await x;")]));

    [Fact]
    public void LongFiles_OneLineTooMany_IsSeen() => Assert.Single(Rules.LongFiles([File(new string('\n', 401))]));

    [Fact]
    public void VagueTypes_Manager_IsSeen() => Assert.Single(Rules.VagueTypes([File("public sealed class CacheManager;")]));

    [Fact]
    public void OpenClasses_PlainClass_IsSeen() => Assert.Single(Rules.OpenClasses([File("public class Open\n{\n}\npublic sealed class Closed;\npublic abstract class Base;\npublic readonly record struct Id;\n")]));

    [Fact]
    public void CrowdedFiles_SecondTopLevelType_IsSeen() => Assert.Single(Rules.CrowdedFiles([File("public sealed class A\n{\n    public enum Inner\n    {\n    }\n}\n\ninternal enum B\n{\n}\n")]));

    [Fact]
    public void CrowdedFiles_NestedType_IsFree() => Assert.Empty(Rules.CrowdedFiles([File("public sealed class A\n{\n    public enum Inner\n    {\n    }\n}\n")]));

    [Fact]
    public void WallClocks_UtcNow_IsSeen() => Assert.Single(Rules.WallClocks([File("var t = DateTime.UtcNow;")]));

    [Fact]
    public void StaleNames_TypeThatIsGone_IsSeen() => Assert.Equal(
        ["README.md: StageFoo"], Rules.StaleNames("README.md", "`StageFoo` and `StageBar.Run` beside `plain` and `TOML`", new HashSet<string> { "StageBar" }));

    private static SourceFile File(string text) => new("shared/A.cs", text);
}
