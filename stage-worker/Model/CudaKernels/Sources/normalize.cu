// Residual add + RMSNorm, one block a row.
//
// residual, delta, output: [rows, HIDDEN], weight: [HIDDEN], all bf16; delta may be absent.
// Bytes: 3 reads and 2 writes of a row (weight stays in cache); at one row the time is a launch and one trip to memory.
// Rounding order of the reference: the sum is rounded, the normalised row is rounded, then it meets the weight.

#define THREADS 512
#define VECTORS ((HIDDEN / 8 + THREADS - 1) / THREADS)

KERNEL add_normalize(u16* residual, const u16* delta, const u16* weight, u16* output, float epsilon) {
    __shared__ float partial[THREADS / 32];
    const size_t row = (size_t)blockIdx.x * HIDDEN;
    float values[VECTORS][8];
    float squares = 0;
    wait_for_inputs();
    let_next_start();
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        const int i = (v * THREADS + threadIdx.x) * 8;
        if (i < HIDDEN) {
            uint4 x = load16(residual + row + i);
            if (delta) {
                const uint4 d = load16(delta + row + i);
                x.x = pack(low(x.x) + low(d.x), high(x.x) + high(d.x));
                x.y = pack(low(x.y) + low(d.y), high(x.y) + high(d.y));
                x.z = pack(low(x.z) + low(d.z), high(x.z) + high(d.z));
                x.w = pack(low(x.w) + low(d.w), high(x.w) + high(d.w));
                *(uint4*)(residual + row + i) = x;
            }
#pragma unroll
            for (int j = 0; j < 4; j++) {
                values[v][2 * j] = low(at(x, j));
                values[v][2 * j + 1] = high(at(x, j));
                squares += values[v][2 * j] * values[v][2 * j] + values[v][2 * j + 1] * values[v][2 * j + 1];
            }
        }
    }

    squares = warp_sum(squares);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = squares;
    __syncthreads();
    float total = 0;
#pragma unroll
    for (int w = 0; w < THREADS / 32; w++) total += partial[w];
    const float scale = rsqrtf(total / HIDDEN + epsilon);
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        const int i = (v * THREADS + threadIdx.x) * 8;
        if (i < HIDDEN) {
            const uint4 w = load16(weight + i);
            u32 out[4];
#pragma unroll
            for (int j = 0; j < 4; j++)
                out[j] = pack(rounded(values[v][2 * j] * scale) * low(at(w, j)), rounded(values[v][2 * j + 1] * scale) * high(at(w, j)));
            *(uint4*)(output + row + i) = make_uint4(out[0], out[1], out[2], out[3]);
        }
    }
}

// residual += delta, for a shard that hands its residual stream on. count: elements, a multiple of 8.
KERNEL add(u16* residual, const u16* delta, u64 count) {
    const size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * 8;
    wait_for_inputs();
    let_next_start();
    if (i < count) {
        uint4 x = load16(residual + i);
        const uint4 d = load16(delta + i);
        x.x = pack(low(x.x) + low(d.x), high(x.x) + high(d.x));
        x.y = pack(low(x.y) + low(d.y), high(x.y) + high(d.y));
        x.z = pack(low(x.z) + low(d.z), high(x.z) + high(d.z));
        x.w = pack(low(x.w) + low(d.w), high(x.w) + high(d.w));
        *(uint4*)(residual + i) = x;
    }
}
