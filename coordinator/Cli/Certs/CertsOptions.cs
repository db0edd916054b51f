using System.CommandLine;

namespace Pipeline.Coordinator.Cli.Certs;

/// <summary>What the commands under <c>certs</c> have in common.</summary>
internal static class CertsOptions
{
    public static readonly IReadOnlyList<string> ThisHost = ["localhost", "127.0.0.1", "::1"];

    private const int DefaultDays = 90;

    /// <summary>The names of this host and the others, each once.</summary>
    public static IReadOnlyList<string> WithThisHost(IEnumerable<string> hosts) => [.. ThisHost.Concat(hosts).Distinct()];

    public static Option<int> Days(string description) => new("--days")
    {
        Description = description,
        HelpName = "D",
        CustomParser = Parsers.Integer(1, 36_500),
        DefaultValueFactory = _ => DefaultDays,
    };

    public static Option<string[]> Hosts(string description)
    {
        var hosts = new Option<string[]>("--host") { Description = description, HelpName = "NAME", Arity = ArgumentArity.ZeroOrMore };
        hosts.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => Uri.CheckHostName(token.Value) == UriHostNameType.Unknown))
            {
                result.AddError($"--host wants a DNS name or an address, got '{token.Value}'");
            }
        });
        return hosts;
    }
}
