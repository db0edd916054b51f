// Residual add + RMSNorm, one block a row.
//
// residual, delta, output: [rows, HIDDEN], weight: [HIDDEN], all bf16; delta may be absent.
// Bytes: 2 reads and 2 writes of a row (weight stays in cache); at one row the time is a launch and one trip to memory.
// The sum is rounded before it is squared, as separate operations would.

extern "C" __global__ void __launch_bounds__(NORM_THREADS) add_normalize(u16* residual, const u16* delta, const u16* weight, u16* output, float epsilon) {
    __shared__ float warp_sums[NORM_THREADS / 32];
    const size_t row = (size_t)blockIdx.x * HIDDEN;
    uint4 values[NORM_VECTORS], weights[NORM_VECTORS];
#pragma unroll
    for (int v = 0; v < NORM_VECTORS; v++) {
        const int i = (v * NORM_THREADS + threadIdx.x) * 8;
        weights[v] = i < HIDDEN ? load16(weight + i) : make_uint4(0, 0, 0, 0);
    }

    // Early: the next one is a projection, whose weights may come while this one waits.
    let_next_start();
    float squares = 0;
    wait_for_inputs();
#pragma unroll
    for (int v = 0; v < NORM_VECTORS; v++) {
        const int i = (v * NORM_THREADS + threadIdx.x) * 8;
        if (i < HIDDEN) {
            values[v] = load16(residual + row + i);
            if (delta) {
                values[v] = add8(values[v], load16(delta + row + i));
                *(uint4*)(residual + row + i) = values[v];
            }

            squares = add_squares(squares, values[v]);
        }
    }

    squares = warp_sum(squares);
    if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = squares;
    __syncthreads();
    const float scale = norm_scale(warp_sums, epsilon);
#pragma unroll
    for (int v = 0; v < NORM_VECTORS; v++) {
        const int i = (v * NORM_THREADS + threadIdx.x) * 8;
        if (i < HIDDEN) *(uint4*)(output + row + i) = normalized(values[v], weights[v], scale);
    }
}

// residual += delta, for a shard that hands its residual stream on. count: elements, a multiple of 8.
KERNEL add(u16* residual, const u16* delta, u64 count) {
    const size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * 8;
    wait_for_inputs();
    let_next_start();
    if (i < count) *(uint4*)(residual + i) = add8(load16(residual + i), load16(delta + i));
}
