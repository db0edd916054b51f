using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Serving.Streaming;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>What is kept for a client that reads slowly or not at all.</summary>
public class DeltaBufferTests
{
    [Fact]
    public void Take_AfterSeveralDeltas_IsOnePartForEachAnswer()
    {
        var buffer = new DeltaBuffer(2, limit: 1000);
        foreach (var (choice, text) in new[] { (0, "a"), (1, "x"), (0, "b"), (0, "c") })
        {
            Assert.True(buffer.TryAdd(choice, Delta(text)));
        }

        Assert.Equal([(0, "abc", 3), (1, "x", 1)], buffer.Take().Select(part => (part.Choice, part.Text, part.TokenCount)));
        Assert.Empty(buffer.Take());
    }

    [Fact]
    public void TryAdd_BeyondTheLimit_IsRefused_AndTakingMakesRoom()
    {
        var buffer = new DeltaBuffer(2, limit: 20);
        Assert.True(buffer.TryAdd(0, Delta("12345")));
        Assert.True(buffer.TryAdd(1, Delta("12345")));
        buffer.Take();
        Assert.True(buffer.TryAdd(0, Delta("1234567890")));

        Assert.False(buffer.TryAdd(1, Delta("1")));
    }

    [Fact]
    public void TryAdd_Logprobs_CountForTheLimit()
    {
        var buffer = new DeltaBuffer(1, limit: 100);
        var token = new SampledToken(1, -1, [.. Enumerable.Range(0, 20).Select(id => new TokenLogprob(id, -1))]);

        Assert.False(buffer.TryAdd(0, new GenerationDelta { Tokens = [token] }));
    }

    [Fact]
    public void Fail_WhatCameBeforeIsStillTaken()
    {
        var buffer = new DeltaBuffer(1, limit: 100);
        buffer.TryAdd(0, Delta("a"));
        buffer.Fail(new InvalidOperationException("broken"));

        Assert.Equal("a", Assert.Single(buffer.Take()).Text);
        Assert.Throws<InvalidOperationException>(buffer.Take);
    }

    [Fact]
    public void IsComplete_OnlyWhenEveryAnswerHasEnded()
    {
        var buffer = new DeltaBuffer(2, limit: 100);
        buffer.TryAdd(0, new GenerationDelta { FinishReason = FinishReason.Stop });
        buffer.Take();
        Assert.False(buffer.IsComplete);
        buffer.TryAdd(1, new GenerationDelta { FinishReason = FinishReason.Length });
        Assert.False(buffer.IsComplete);

        Assert.Equal(FinishReason.Length, Assert.Single(buffer.Take()).FinishReason);
        Assert.True(buffer.IsComplete);
    }

    private static GenerationDelta Delta(string text) => new() { Text = text, Tokens = [new SampledToken(1, null, [])] };
}
