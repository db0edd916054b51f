using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.Protos.Security;

/// <summary>The URIs among a certificate's subject alternative names; the framework reads out DNS names and addresses only.</summary>
internal static class UriNames
{
    private const string AlternativeNames = "2.5.29.17";

    // GeneralName, RFC 5280 4.2.1.6: uniformResourceIdentifier [6] IA5String.
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    public static IReadOnlyList<string> Of(X509Certificate2 certificate)
    {
        try
        {
            return [.. certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeNames).SelectMany(extension => Read(extension.RawData))];
        }
        catch (AsnContentException)
        {
            return [];
        }
    }

    private static List<string> Read(byte[] extension)
    {
        var names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
        var uris = new List<string>();
        while (names.HasData)
        {
            if (names.PeekTag().HasSameClassAndValue(UriTag))
            {
                uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag));
            }
            else
            {
                names.ReadEncodedValue();
            }
        }

        return uris;
    }
}
