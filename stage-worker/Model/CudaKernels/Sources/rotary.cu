// Rotary position embedding, and the way of keys and values into the paged ring.
//
// qkv: [rows, (heads + 2 kv_heads) * HEAD_DIM] bf16: queries are turned in place, keys are turned and written to their slot,
// values are written to their slot. keys, values: [slots, kv_heads, HEAD_DIM]. table: [positions, HEAD_DIM / 2] of (cosine,
// sine), made by the host in double precision. slots: one per row, -1 leaves a row out
// (single queries, which decode_attention.cu turns itself).
// Half convention: component i turns with i + HEAD_DIM / 2. Bytes: a row of qkv read and written once.

#define HALF (HEAD_DIM / 2)

KERNEL rotate_and_cache(u16* qkv, u16* keys, u16* values, const float2* table, const int* positions, const int* slots, int heads, int kv_heads) {
    const int head = blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    wait_for_inputs();
    let_next_start();
    const int slot = slots[blockIdx.x];
    if (head >= heads + 2 * kv_heads || slot < 0) return;
    u16* row = qkv + ((size_t)blockIdx.x * (heads + 2 * kv_heads) + head) * HEAD_DIM;
    if (head >= heads + kv_heads) {
        u16* to = values + ((size_t)slot * kv_heads + (head - heads - kv_heads)) * HEAD_DIM;
        for (int i = lane * 2; i < HEAD_DIM; i += 64) *(u32*)(to + i) = *(const u32*)(row + i);
        return;
    }

    u16* to = head < heads ? row : keys + ((size_t)slot * kv_heads + (head - heads)) * HEAD_DIM;
    const float4* angles = (const float4*)(table + (size_t)positions[blockIdx.x] * HALF);
    for (int i = lane * 2; i < HALF; i += 64) {
        const u32 x = *(const u32*)(row + i), y = *(const u32*)(row + HALF + i);
        const float4 a = angles[i / 2];  // cosine, sine of i; cosine, sine of i + 1
        *(u32*)(to + i) = pack(__fsub_rn(__fmul_rn(low(x), a.x), __fmul_rn(low(y), a.y)), __fsub_rn(__fmul_rn(high(x), a.z), __fmul_rn(high(y), a.w)));
        *(u32*)(to + HALF + i) = pack(__fadd_rn(__fmul_rn(low(y), a.x), __fmul_rn(low(x), a.y)), __fadd_rn(__fmul_rn(high(y), a.z), __fmul_rn(high(x), a.w)));
    }
}
