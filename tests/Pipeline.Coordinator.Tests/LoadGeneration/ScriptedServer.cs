using System.Net;
using System.Text;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

/// <summary>Answers every request with the same pieces, each some milliseconds of a scripted clock after the one before.</summary>
internal sealed class ScriptedServer(ScriptedClock clock, HttpStatusCode status, params (long Milliseconds, string? Text)[] pieces) : HttpMessageHandler
{
    public List<string> Bodies { get; } = [];

    public Action<HttpResponseMessage> Prepare { get; init; } = _ => { };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Bodies.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
        var response = new HttpResponseMessage(status) { Content = new StreamContent(new ScriptedStream(clock, pieces)) };
        Prepare(response);
        return response;
    }

    /// <summary>A piece without text is a connection that breaks.</summary>
    private sealed class ScriptedStream(ScriptedClock clock, (long Milliseconds, string? Text)[] pieces) : Stream
    {
        private int _next;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_next == pieces.Length)
            {
                return 0;
            }

            var (milliseconds, text) = pieces[_next++];
            clock.Advance(milliseconds);
            return Encoding.UTF8.GetBytes(text ?? throw new IOException("connection reset"), buffer.AsSpan(offset, count));
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
