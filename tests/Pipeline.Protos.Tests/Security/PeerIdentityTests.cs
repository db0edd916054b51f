using System.Security.Cryptography.X509Certificates;
using Pipeline.Protos.Security;
using Pipeline.TestKit.Certificates;

namespace Pipeline.Protos.Tests.Security;

/// <summary>Who a certificate is of: exactly one of ours, to the letter, or nobody.</summary>
public sealed class PeerIdentityTests : IDisposable
{
    private readonly TestAuthority _authority = new("ours");

    [Theory]
    [InlineData("spiffe://pipeline/coordinator", null)]
    [InlineData("spiffe://pipeline/stage/0", 0)]
    [InlineData("spiffe://pipeline/stage/17", 17)]
    public void Parse_WhatIsWritten_IsTheSame(string uri, int? stage)
    {
        var identity = PeerIdentity.Parse(uri);
        Assert.Equal(stage is { } index ? PeerIdentity.Stage(index) : PeerIdentity.Coordinator, identity);
        Assert.Equal(uri, identity!.Value.Uri);
    }

    [Theory]
    [InlineData("spiffe://pipeline/stage/")]
    [InlineData("spiffe://pipeline/stage/-1")]
    [InlineData("spiffe://pipeline/stage/01")]
    [InlineData("spiffe://pipeline/stage/+1")]
    [InlineData("spiffe://pipeline/stage/1/")]
    [InlineData("spiffe://pipeline/stage/1 ")]
    [InlineData("spiffe://pipeline/stage/99999999999")]
    [InlineData("spiffe://pipeline/Coordinator")]
    [InlineData("spiffe://pipeline/coordinator/")]
    [InlineData("spiffe://pipeline.example/coordinator")]
    [InlineData("https://pipeline/coordinator")]
    public void Parse_AnythingElse_IsNobody(string uri) => Assert.Null(PeerIdentity.Parse(uri));

    [Fact]
    public void Of_OneName_IsWhoItSays() => Assert.Equal(PeerIdentity.Stage(3), Of("https://example.org/", TestAuthority.Stage(3)));

    [Fact]
    public void Of_TwoNames_IsNobody() => Assert.Null(Of(TestAuthority.Coordinator, TestAuthority.Stage(0)));

    [Fact]
    public void Of_NoName_IsNobody() => Assert.Null(Of());

    public void Dispose() => _authority.Dispose();

    private PeerIdentity? Of(params string[] uris)
    {
        using var certificate = X509Certificate2.CreateFromPem(_authority.Issue(uris, TimeSpan.FromHours(1)).CertificatePem);
        return PeerIdentity.Of(certificate);
    }
}
