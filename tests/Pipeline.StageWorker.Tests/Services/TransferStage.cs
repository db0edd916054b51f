using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.TestKit.Batching;
using ElementType = Pipeline.Shared.Models.ElementType;
using MicrobatchResult = Pipeline.Shared.Batching.MicrobatchResult;
using SamplingParams = Pipeline.Shared.Sampling.SamplingParams;

namespace Pipeline.StageWorker.Tests.Services;

/// <summary>A worker with the whole model, and who writes its steps; sequences move between two of them.</summary>
internal sealed class TransferStage : IAsyncDisposable
{
    /// <summary>Rings of three blocks in the windowed group: they wrap after 12 positions.</summary>
    private static readonly KvCacheSpec Spec = CacheSpecs.For(Models.Config, blockSize: 4, maxChunk: 8, maxLength: 64, sequences: 4);

    private static readonly SamplingParams Sampling = new() { Temperature = 0.8f, Seed = 11, FrequencyPenalty = 0.3f, Logprobs = 3 };

    private readonly TestWorker _worker;
    private MicrobatchWriter _writer;

    private TransferStage(TestWorker worker, TestStage stage, int seed)
    {
        _worker = worker;
        Stage = stage;
        _writer = new MicrobatchWriter(Spec, seed);
    }

    public TestStage Stage { get; }

    /// <param name="seed">Of the order in which blocks are dealt out.</param>
    public static async Task<TransferStage> StartAsync(int seed, ElementType type = ElementType.Float32)
    {
        var worker = await TestWorker.StartAsync();
        var stage = await TestStage.AttachWholeAsync(worker);
        await stage.LoadAsync(type: type);
        await stage.StartAsync(spec: Spec);
        return new TransferStage(worker, stage, seed);
    }

    /// <summary>A new epoch; everything of the old one is gone.</summary>
    public async Task RestartAsync(long epoch)
    {
        await Stage.StartAsync(spec: Spec, change: request => request.Epoch = epoch);
        _writer = new MicrobatchWriter(Spec, seed: (int)epoch, epoch);
    }

    /// <summary>Brings a sequence to a length, in chunks of a prompt and single tokens, with sampling that looks back on all of it.</summary>
    public async Task GrowAsync(long sequence, int length)
    {
        var tokens = RandomTokens.Of(length, Models.Config.VocabularySize, (int)sequence);
        for (var at = 0; at < length;)
        {
            var count = Math.Min(at < 8 ? 5 : 1, length - at);
            await Stage.StepAsync(_writer.Next(new PlannedSlice(sequence, tokens[at..(at + count)], LogitsRequest.None, Sampling: Sampling, PromptLength: 3)));
            at += count;
        }
    }

    /// <summary>One more token: all that a stage can say of it.</summary>
    public Task<MicrobatchResult> NextAsync(long sequence, int token) =>
        Stage.StepAsync(_writer.Next(new PlannedSlice(sequence, [token], LogitsRequest.Raw | LogitsRequest.Sample)));

    public async Task<List<SequencePiece>> ExportAsync(long sequence, long epoch = 1)
    {
        using var call = Stage.Connection.ExportSequence(new ExportSequenceRequest { Epoch = epoch, Sequence = sequence }, Token);
        List<SequencePiece> pieces = [];
        while (await call.ResponseStream.MoveNext(Token))
        {
            pieces.Add(call.ResponseStream.Current);
        }

        return pieces;
    }

    /// <summary>The same pieces with the blocks that the sequence gets here.</summary>
    public List<SequencePiece> Address(IReadOnlyList<SequencePiece> exported)
    {
        List<SequencePiece> pieces = [.. exported.Select(piece => piece.Clone())];
        var header = pieces[0].Header;
        header.BlockUpdates.AddRange(MicrobatchCodec.ToWire(_writer.Adopt(header.Sequence, header.Length)));
        return pieces;
    }

    public async Task<ImportSequenceReply> ImportAsync(IEnumerable<SequencePiece> pieces)
    {
        using var call = OpenImport();
        foreach (var piece in pieces)
        {
            // A refusal may come before the last piece; the call's own status says why.
            if (await Record.ExceptionAsync(() => call.RequestStream.WriteAsync(piece, Token)) is not null)
            {
                break;
            }
        }

        await Record.ExceptionAsync(call.RequestStream.CompleteAsync);
        return await call.ResponseAsync;
    }

    public AsyncClientStreamingCall<SequencePiece, ImportSequenceReply> OpenImport() => Stage.Connection.ImportSequence(Token);

    public IReadOnlyList<int> TableOf(long sequence, int group) => _writer.TableOf(sequence, group);

    public async ValueTask DisposeAsync()
    {
        await Stage.DisposeAsync();
        await _worker.DisposeAsync();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
