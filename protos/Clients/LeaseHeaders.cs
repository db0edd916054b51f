using System.Globalization;
using Grpc.Core;

namespace Pipeline.Protos.Clients;

/// <summary>
/// Under which lease a call is made, in its headers. Leases of a stage are numbered, and the numbers grow: a caller whose lease has
/// ended without its knowing is told so, and touches nothing of the coordinator that came after.
/// </summary>
public static class LeaseHeaders
{
    private const string Name = "pipeline-lease";

    public static Metadata Of(long lease) => new() { { Name, lease.ToString(CultureInfo.InvariantCulture) } };

    /// <summary>Null where a call shows none.</summary>
    public static long? In(Metadata request) => long.TryParse(request.GetValue(Name), NumberStyles.None, CultureInfo.InvariantCulture, out var lease) ? lease : null;
}
