using Google.Protobuf;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.Services;

/// <summary>Imports that are not whole or do not fit are refused by name, and leave nothing behind.</summary>
public class MalformedImportTests
{
    private const long Moved = 1;
    private const long Native = 2;
    private const string WrongLayers = "the import holds layers";
    private const string WrongLength = "the import announces";

    private static readonly Dictionary<string, (StageError Error, string Message, Action<List<SequencePiece>> Mistake)> Mistakes = new()
    {
        ["nothing"] = (StageError.Malformed, "an import begins with a header", pieces => pieces.Clear()),
        ["no header"] = (StageError.Malformed, "an import begins with a header", pieces => pieces.RemoveAt(0)),
        ["no data"] = (StageError.Malformed, "the import ends after 0 bytes", pieces => pieces.RemoveRange(1, pieces.Count - 1)),
        ["the last layer missing"] = (StageError.Malformed, "the import ends after 5888 bytes", pieces => pieces.RemoveAt(pieces.Count - 1)),
        ["the last byte missing"] = (StageError.Malformed, "the import ends after 6655 bytes", pieces => pieces[^1].Data = ByteString.CopyFrom(pieces[^1].Data.Span[..^1])),
        ["a layer left out"] = (StageError.Malformed, "a piece of 768 bytes at offset 5888 does not continue at 3328", pieces => pieces.RemoveAt(3)),
        ["a layer twice"] = (StageError.Malformed, "a piece of 2560 bytes at offset 0 does not continue at 2560", pieces => pieces.Insert(2, pieces[1])),
        ["a byte too many"] = (StageError.Malformed, "a piece of 769 bytes at offset 5888 does not continue at 5888", pieces => pieces[^1].Data = ByteString.CopyFrom([.. pieces[^1].Data, 0])),
        ["a piece too many"] = (StageError.Malformed, "the import goes on after its 6656 bytes", pieces => pieces.Add(new SequencePiece { Offset = 6656 })),
        ["another epoch"] = (StageError.WrongEpoch, "the transfer is of epoch 3, this stage is in epoch 1", Header(header => header.Epoch = 3)),
        ["a sequence that is here"] = (StageError.DuplicateSequence, "seq2 starts, but it is already here with 9 tokens", Header(header => header.Sequence = Native)),
        ["another type"] = (StageError.WrongElementType, "the import is in Bfloat16, this stage computes in Float32", Header(header => header.ElementType = ElementType.Bfloat16)),
        ["no type"] = (StageError.Malformed, "unknown element type 0 on the wire", Header(header => header.ElementType = ElementType.Unspecified)),
        ["other layers"] = (StageError.WrongShape, WrongLayers, Header(header => header.LayerStart = 1)),
        ["fewer layers"] = (StageError.WrongShape, WrongLayers, Header(header => header.LayerEnd = 3)),
        ["other kv heads"] = (StageError.WrongShape, WrongLayers, Header(header => header.KvHeadCount = 4)),
        ["another head width"] = (StageError.WrongShape, WrongLayers, Header(header => header.HeadDim = 8)),
        ["another length"] = (StageError.WrongShape, WrongLength, Header(header => header.Length++)),
        ["a negative length"] = (StageError.WrongShape, WrongLength, Header(header => header.Length = -1)),
        ["other bytes"] = (StageError.WrongShape, WrongLength, Header(header => header.DataBytes--)),
        ["another window"] = (StageError.WrongShape, WrongLength, Header(header => header.FirstPositions[1]--)),
        ["no positions"] = (StageError.WrongShape, WrongLength, Header(header => header.FirstPositions.Clear())),
        ["no tokens"] = (StageError.WrongShape, "seq1 has a slice without tokens", Header(header => header.Tokens.Clear())),
        ["a token out of vocabulary"] = (StageError.TokenOutOfVocabulary, "seq1 has token id 97, the vocabulary ends at 96", Header(header => header.Tokens[3] = 97)),
        ["no start"] = (StageError.Malformed, "seq1 comes without its start", Header(header => header.Start = null)),
        ["no sampling"] = (StageError.Malformed, "a sequence starts without sampling parameters", Header(header => header.Start.Sampling = null)),
        ["a negative prompt"] = (StageError.Malformed, "seq1 starts with a prompt of -1 tokens", Header(header => header.Start.PromptLength = -1)),
        ["no blocks"] = (StageError.BlockOutOfRange, "seq1 needs 3 blocks of cache group 0 for this step, its table has 0", Header(header => header.BlockUpdates.Clear())),
        ["half a block"] = (StageError.Malformed, "block updates come in triples, got 17 numbers", Header(header => header.BlockUpdates.RemoveAt(17))),
        ["an unknown block"] = (StageError.BlockOutOfRange, "seq1: BlockUpdate", Header(header => header.BlockUpdates[2] = 1_000_000)),
        ["a block below all"] = (StageError.BlockOutOfRange, "seq1: BlockUpdate", Header(header => header.BlockUpdates[2] = -1)),
        ["an unknown cache group"] = (StageError.BlockOutOfRange, "seq1: BlockUpdate", Header(header => header.BlockUpdates[0] = 2)),
        ["a gap in the table"] = (StageError.BlockOutOfRange, "seq1: BlockUpdate", Header(header => header.BlockUpdates[1] = 1)),
    };

    [Fact]
    public async Task Import_Malformed_IsRefusedByNameAndLeavesNothingBehind()
    {
        await using var here = await TransferStage.StartAsync(seed: 1);
        await using var there = await TransferStage.StartAsync(seed: 2);
        await using var alone = await TransferStage.StartAsync(seed: 3);
        await here.GrowAsync(Moved, 10);
        await there.GrowAsync(Native, 9);
        await alone.GrowAsync(Native, 9);
        var good = there.Address(await here.ExportAsync(Moved));
        Assert.Equal((5, 6656L), (good.Count, good[0].Header.DataBytes));
        foreach (var (name, (error, message, mistake)) in Mistakes)
        {
            List<SequencePiece> bad = [.. good.Select(piece => piece.Clone())];
            mistake(bad);
            var refusal = await Refusal.OfAsync(() => there.ImportAsync(bad));
            Assert.True(error == refusal.Error && refusal.Message.StartsWith(message, StringComparison.Ordinal), $"{name}: {refusal.Error}, {refusal.Message}");
            Assert.Equal(StageError.UnknownSequence, (await Refusal.OfAsync(() => there.ExportAsync(Moved))).Error);
        }

        // Neither the sequence that was there nor the one that comes at last has noticed anything.
        Same.Results((await alone.NextAsync(Native, 5)).Slices, await there.NextAsync(Native, 5));
        await there.ImportAsync(good);
        Same.Results((await here.NextAsync(Moved, 6)).Slices, await there.NextAsync(Moved, 6));
        Assert.Equal(StageError.DuplicateSequence, (await Refusal.OfAsync(() => there.ImportAsync(good))).Error);
        Same.Results((await here.NextAsync(Moved, 7)).Slices, await there.NextAsync(Moved, 7));
    }

    private static Action<List<SequencePiece>> Header(Action<SequenceHeader> change) => pieces => change(pieces[0].Header);
}
