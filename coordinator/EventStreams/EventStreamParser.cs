using System.Buffers;

namespace Pipeline.Coordinator.EventStreams;

/// <summary>
/// Server-sent events out of bytes that arrive in any pieces: append what came, then read until there is no more. Lines end with
/// LF, CR or CRLF, comments are counted and left out, several data lines make one event. Only the data is kept, since nobody
/// who speaks this protocol to us names its events.
/// </summary>
public sealed class EventStreamParser
{
    private const byte LineFeed = (byte)'\n';
    private const byte CarriageReturn = (byte)'\r';

    private readonly ArrayBufferWriter<byte> _data = new(512);
    private byte[] _bytes = new byte[1024];
    private int _start;
    private int _scanned;
    private int _end;
    private bool _atBeginning = true;
    private bool _lineFeedBelongsToLastLine;
    private bool _hasData;
    private bool _isDelivered;

    /// <summary>Comment lines so far: servers send them to keep a connection alive.</summary>
    public int Comments { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        MakeRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>
    /// The stream is over: a last line that nobody ended counts, and so does an event that no blank line follows. Browsers drop
    /// such an event; servers that forget the line exist, and their last event matters.
    /// </summary>
    public void Complete() => Append("\n\n"u8);

    /// <summary>The data of the next event, valid until the next call; false when more bytes are needed.</summary>
    public bool TryRead(out ReadOnlySpan<byte> data)
    {
        Forget();
        while (TryReadLine(out var line))
        {
            if (line.Length > 0)
            {
                Take(line);
            }
            else if (_hasData)
            {
                _isDelivered = true;
                data = _data.WrittenSpan;
                return true;
            }
        }

        data = default;
        return false;
    }

    private void Forget()
    {
        if (_isDelivered)
        {
            _data.ResetWrittenCount();
            _hasData = false;
            _isDelivered = false;
        }
    }

    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (!SkipWhatIsNoLine())
        {
            return false;
        }

        var length = _bytes.AsSpan(_scanned, _end - _scanned).IndexOfAny(LineFeed, CarriageReturn);
        if (length < 0)
        {
            _scanned = _end;
            return false;
        }

        var lineEnd = _scanned + length;
        line = _bytes.AsSpan(_start, lineEnd - _start);
        _lineFeedBelongsToLastLine = _bytes[lineEnd] == CarriageReturn;
        _start = _scanned = lineEnd + 1;
        return true;
    }

    /// <summary>A byte order mark, and the second half of a CRLF that may come long after the first. False when it cannot be told yet.</summary>
    private bool SkipWhatIsNoLine()
    {
        var waiting = _bytes.AsSpan(_start, _end - _start);
        if (_atBeginning)
        {
            var mark = "\uFEFF"u8;
            if (waiting.Length < mark.Length && mark.StartsWith(waiting))
            {
                return false;
            }

            _atBeginning = false;
            Skip(waiting.StartsWith(mark) ? mark.Length : 0);
        }
        else if (_lineFeedBelongsToLastLine && waiting.Length > 0)
        {
            _lineFeedBelongsToLastLine = false;
            Skip(waiting[0] == LineFeed ? 1 : 0);
        }

        return true;
    }

    private void Skip(int bytes)
    {
        _start += bytes;
        _scanned = Math.Max(_scanned, _start);
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        if (colon == 0)
        {
            Comments++;
            return;
        }

        var name = colon < 0 ? line : line[..colon];
        if (!name.SequenceEqual("data"u8))
        {
            return;
        }

        if (_hasData)
        {
            _data.Write("\n"u8);
        }

        var value = colon < 0 ? default : line[(colon + 1)..];
        _data.Write(value.StartsWith(" "u8) ? value[1..] : value);
        _hasData = true;
    }

    private void MakeRoom(int bytes)
    {
        if (_end + bytes <= _bytes.Length)
        {
            return;
        }

        var waiting = _end - _start;
        var target = waiting + bytes <= _bytes.Length ? _bytes : new byte[Math.Max(_bytes.Length * 2, waiting + bytes)];
        _bytes.AsSpan(_start, waiting).CopyTo(target);
        _bytes = target;
        _scanned -= _start;
        _start = 0;
        _end = waiting;
    }
}
