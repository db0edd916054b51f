// Hidden states between the devices of two stages: out of the slot of the stage before into the residual stream, and out of that
// into the slot for the next stage. The slots come with the step's numbers, so a recorded step serves them all.
//
// residual, delta: [rows, HIDDEN] bf16; delta may be absent. count: elements of the step's own rows, a multiple of 8: rows that only
// fill up a batch stay here. Bytes: a read and a write of the rows, one read more with delta; for a few rows the time is a launch.

struct Hop { const u16* inbox; u16* outbox; u64 count; };

KERNEL fetch(u16* residual, const Hop* hop) {
    const size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * 8;
    wait_for_inputs();
    let_next_start();
    if (i < hop->count) *(uint4*)(residual + i) = load16(hop->inbox + i);
}

// The sum is what normalize.cu's add would leave in the residual.
KERNEL deliver(const u16* residual, const u16* delta, const Hop* hop) {
    const size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * 8;
    wait_for_inputs();
    let_next_start();
    if (i >= hop->count) return;
    const uint4 values = load16(residual + i);
    *(uint4*)(hop->outbox + i) = delta ? add8(values, load16(delta + i)) : values;
}
