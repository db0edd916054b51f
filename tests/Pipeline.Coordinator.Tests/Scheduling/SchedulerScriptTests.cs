using System.Text;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>
/// Stories about the scheduler that a colleague can read: tests/fixtures/scheduler/*.txt, each a list of commands, "----",
/// and what came of it up to the next empty line. With RECORD_SCHEDULER_SCRIPTS=1 in the environment the files are written
/// anew instead of compared: commit what changed only if you can say why.
/// </summary>
public class SchedulerScriptTests
{
    private static bool IsRecording => Environment.GetEnvironmentVariable("RECORD_SCHEDULER_SCRIPTS") == "1";

    public static TheoryData<string> Stories =>
        [.. Directory.EnumerateFiles(Fixtures.At("scheduler"), "*.txt").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Stories))]
    public void Story_IsPlayed_ComesOutAsWritten(string story)
    {
        var path = Fixtures.At("scheduler", story);
        var written = File.ReadAllText(path);
        var played = Play(written);
        if (IsRecording)
        {
            File.WriteAllText(path, played);
        }
        else
        {
            Assert.Equal(written, played);
        }
    }

    /// <summary>The script again, with what came of each command in the place of what was expected.</summary>
    private static string Play(string text)
    {
        var script = new SchedulerScript();
        var played = new StringBuilder();
        var isExpectation = false;
        foreach (var line in text.TrimEnd().Split('\n'))
        {
            isExpectation &= line.Length > 0;
            if (isExpectation)
            {
                continue;
            }

            played.Append(line).Append('\n');
            if (line.Length > 0 && line[0] != '#')
            {
                played.Append("----\n").AppendJoin('\n', script.Run(line)).Append('\n');
                isExpectation = true;
            }
        }

        return played.ToString();
    }
}
