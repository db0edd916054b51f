using System.Text;
using System.Text.Json;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class CompletionChunkTests
{
    [Theory]
    [InlineData("""{"id":"c","choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null}]}""", true)]
    [InlineData("""{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}""", false)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":" b"},"logprobs":{"content":[{"token":"b","top_logprobs":[]}]}}]}""", true)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":null},"logprobs":{"content":[{"token":"b"}]}}]}""", false)]
    [InlineData("""{"choices":[{"delta":{"reasoning_content":"hm"}}]}""", true)]
    [InlineData("""{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}""", false)]
    [InlineData("""{"choices":[{"text":"","finish_reason":"length"}]}""", false)]
    [InlineData("""{"choices":[{"text":""},{"text":"second"}]}""", true)]
    [InlineData("""{"choices":[]}""", false)]
    [InlineData("""{"choices":null,"error":null}""", false)]
    [InlineData("""{"text":"not here","extra":{"choices":[{"text":"nor here"}]}}""", false)]
    [InlineData("""{}""", false)]
    public void Read_Content_IsTextOfAChoice(string json, bool expected) => Assert.Equal(new CompletionChunk(expected, null, null), Read(json));

    [Fact]
    public void Read_Usage_IsTheServersCount() => Assert.Equal(
        new CompletionChunk(false, new TokenUsage(11, 7), null),
        Read("""{"choices":[],"usage":{"prompt_tokens_details":{"cached_tokens":3,"completion_tokens":99},"prompt_tokens":11,"total_tokens":18,"completion_tokens":7}}"""));

    [Theory]
    [InlineData("""{"error":{"type":"server_error","message":"out of blocks","details":{"message":"inner"},"code":500}}""", "out of blocks")]
    [InlineData("""{"error":"no such model"}""", "no such model")]
    [InlineData("""{"error":{"code":500}}""", "an error without a message")]
    [InlineData("""{"error":{"message":{"odd":1}},"choices":[]}""", "an error without a message")]
    public void Read_Error_IsItsMessage(string json, string expected) => Assert.Equal(expected, Read(json).Error);

    [Theory]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{\"choices\":[{\"text\":")]
    [InlineData("<html>")]
    [InlineData("")]
    public void Read_WhatIsNoChunk_Throws(string text) => Assert.ThrowsAny<JsonException>(() => Read(text));

    private static CompletionChunk Read(string json) => CompletionChunk.Read(Encoding.UTF8.GetBytes(json));
}
