namespace Pipeline.HouseRules.Tests;

/// <summary>What the compiler does not hold, held for the whole repository.</summary>
public class HouseRulesTests
{
    [Fact]
    public void Rooms_ImportOnlyThroughTheirDoors() => Assert.Empty(Rules.ImportsThroughWalls(Repository.Sources));

    [Fact]
    public void ModelMaths_IsSynchronous() => Assert.Empty(Rules.AsynchronousMaths(Repository.Sources));

    [Fact]
    public void Files_StayUnderFourHundredLines() => Assert.Empty(Rules.LongFiles(Repository.Sources));

    [Fact]
    public void Types_SayWhatTheyAre() => Assert.Empty(Rules.VagueTypes(Repository.Sources));

    [Fact]
    public void Classes_AreSealedStaticOrAbstract() => Assert.Empty(Rules.OpenClasses(Repository.Sources));

    [Fact]
    public void Files_HoldOneTopLevelType() => Assert.Empty(Rules.CrowdedFiles(Repository.Sources));

    [Fact]
    public void TimeAndChance_AreInjected() => Assert.Empty(Rules.WallClocks(Repository.Sources));

    [Fact]
    public void Pages_NameOnlyTypesThatExist()
    {
        var types = Rules.TypeNames(Repository.Sources).ToHashSet();
        var pages = Repository.Files(".", "*.md").Select(path => (Name: Repository.Relative(path), Text: File.ReadAllText(path))).ToList();
        Assert.True(pages.Count > 4, "the floors' pages were not found");
        Assert.Empty(pages.SelectMany(page => Rules.StaleNames(page.Name, page.Text, types)));
    }
}
