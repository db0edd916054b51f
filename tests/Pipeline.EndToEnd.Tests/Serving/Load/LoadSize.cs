using System.Globalization;

namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>How much load the tests make: some seconds of it, or as much as the environment asks for.</summary>
internal static class LoadSize
{
    public static TimeSpan Overload => TimeSpan.FromSeconds(Number("PIPELINE_LOAD_SECONDS", 6));

    public static int Cancels => Number("PIPELINE_LOAD_CANCELS", 400);

    private static int Number(string variable, int usual) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : usual;
}
