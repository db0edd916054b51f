using Pipeline.Model.DeviceHops;

namespace Pipeline.Model.Tests.DeviceHops;

/// <summary>Where device memory is to be found comes from another process: anything else is refused before the driver sees it.</summary>
public class OutboxAddressTests
{
    [Fact]
    public void Parse_WhatWasMade_IsTheSame()
    {
        var made = OutboxAddress.Create(9, 1L << 33);
        made.Memory.Fill(7);
        made.Event(8).Fill(5);
        var read = OutboxAddress.Parse(made.Bytes.Span);
        Assert.Equal((9, 1L << 33, true), (read.SlotCount, read.SlotBytes, read.IsOwn));
        Assert.Equal(made.Memory.ToArray(), read.Memory.ToArray());
        Assert.Equal(made.Event(8).ToArray(), read.Event(8).ToArray());
        Assert.NotEqual(made.Event(8).ToArray(), read.Event(7).ToArray());
    }

    [Fact]
    public void Parse_AnythingElse_IsRefused()
    {
        var good = OutboxAddress.Create(2, 4096).Bytes.ToArray();
        foreach (var bad in (byte[][])[[], good[..10], good[..^1], [.. good, 0], Changed(good, 0), Changed(good, 4), Changed(good, 15)])
        {
            Assert.Throws<IOException>(() => OutboxAddress.Parse(bad));
        }
    }

    [Fact]
    public void Open_OwnMemory_IsRefusedWithTheReason()
    {
        var failure = Assert.Throws<IOException>(() => DeviceInbox.Open(OutboxAddress.Create(2, 4096).Bytes.Span));
        Assert.Equal("a process cannot open device memory of its own", failure.Message);
    }

    private static byte[] Changed(byte[] bytes, int index)
    {
        var copy = bytes.ToArray();
        copy[index] ^= 0xff;
        return copy;
    }
}
