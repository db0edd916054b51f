using System.Globalization;
using System.Text;
using System.Xml;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>
/// The few shapes that charts of bars and curves consist of, as SVG. Text and lines take the colours of the reader's light or dark scheme;
/// a viewer without style sheets falls back to the light ones.
/// </summary>
internal sealed class SvgCanvas : IDisposable
{
    private const string DarkScheme = """
        @media (prefers-color-scheme: dark) {
          .paper { fill: #0d1117 }
          .ink { fill: #e6edf3 }
          .faint { fill: #9198a1 }
          .rule { stroke: #3d444d }
          .mark { stroke: #e6edf3 }
        }
        """;

    private readonly StringBuilder _text = new();
    private readonly XmlWriter _xml;

    public SvgCanvas(double width, double height, string title)
    {
        _xml = XmlWriter.Create(_text, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true, NewLineChars = "\n" });
        _xml.WriteStartElement("svg", "http://www.w3.org/2000/svg");
        Attributes(("viewBox", $"0 0 {Number(width)} {Number(height)}"), ("width", Number(width)), ("height", Number(height)));
        Attributes(("font-family", "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"), ("role", "img"));
        _xml.WriteElementString("title", title);
        _xml.WriteElementString("style", DarkScheme);
        Element("rect", ("class", "paper"), ("fill", "#ffffff"), ("width", Number(width)), ("height", Number(height)));
    }

    public void Bar(double x, double y, double width, double height, string colour) =>
        Element("rect", ("x", Number(x)), ("y", Number(y)), ("width", Number(width)), ("height", Number(height)), ("rx", "1.5"), ("fill", colour));

    public void Rule(double x1, double y1, double x2, double y2) =>
        Element("line", ("class", "rule"), ("stroke", "#d1d9e0"), ("x1", Number(x1)), ("y1", Number(y1)), ("x2", Number(x2)), ("y2", Number(y2)));

    /// <summary>A short thick line that stands out from the bar behind it.</summary>
    public void Mark(double x1, double y, double x2) =>
        Element("line", ("class", "mark"), ("stroke", "#1f2328"), ("stroke-width", "2.5"), ("x1", Number(x1)), ("y1", Number(y)), ("x2", Number(x2)), ("y2", Number(y)));

    /// <summary>A line through all points.</summary>
    public void Curve(IEnumerable<(double X, double Y)> points, string colour) =>
        Element("polyline", ("fill", "none"), ("stroke", colour), ("stroke-width", "1.75"), ("stroke-linejoin", "round"), ("points", string.Join(' ', points.Select(point => $"{Number(point.X)},{Number(point.Y)}"))));

    public void Text(double x, double y, string text, SvgTextStyle style)
    {
        _xml.WriteStartElement("text");
        Attributes(("x", Number(x)), ("y", Number(y)), ("font-size", Number(style.Size)), ("text-anchor", style.Anchor));
        Attributes(style.IsFaint ? [("class", "faint"), ("fill", "#59636e")] : [("class", "ink"), ("fill", "#1f2328")]);
        if (style.IsBold)
        {
            Attributes(("font-weight", "600"));
        }

        _xml.WriteString(text);
        _xml.WriteEndElement();
    }

    /// <summary>Ends the picture and gives it.</summary>
    public string Finish()
    {
        _xml.WriteEndElement();
        _xml.Flush();
        return $"{_text}\n";
    }

    public void Dispose() => _xml.Dispose();

    private static string Number(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);

    private void Element(string name, params (string Name, string Value)[] attributes)
    {
        _xml.WriteStartElement(name);
        Attributes(attributes);
        _xml.WriteEndElement();
    }

    private void Attributes(params (string Name, string Value)[] attributes)
    {
        foreach (var (name, value) in attributes)
        {
            _xml.WriteAttributeString(name, value);
        }
    }
}
