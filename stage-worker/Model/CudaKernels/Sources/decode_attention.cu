// Rotation, the way into the cache, and attention of one query per sequence over its paged ring, split over keys.
//
// qkv: [rows, (heads + 2 kv_heads) * HEAD_DIM]; keys, values: [slots, kv_heads, HEAD_DIM]; output: [rows, heads * HEAD_DIM];
// angles: [positions, HEAD_DIM / 2] of (cosine, sine). Query p sees key k iff 0 <= p - k < window (0: no window). Block tables:
// tables[offsets[segment] + i]. row_ids: the rows that are single queries, -1 for padding.
// Bytes: visible keys * kv_heads * HEAD_DIM * 4; a byte is read once for all GROUP query heads of its kv head. On an H200 one
// layer of Mistral 7B takes 7.8 us for 1 sequence of 1024 tokens, 26 for 16 (2.6 TB/s), 80 for 64 (3.3 TB/s).
//
// The keys of a sequence are cut at multiples of CHUNK positions, whatever the batch, and the parts are added in order: a row
// comes out the same in every batch. A block takes parts in turns; its 4 warps take 16 keys each at a time. Scores are
// Q [16 x d] * K^T with the heads of the group in the first GROUP rows; the sums are V^T [d x 16] * P^T with the heads as columns,
// the left operand put together from pairs of key rows by byte permutation. So keys and values go from memory to registers to
// tensor cores, 16 bytes a thread, without shared memory in between; the next keys are on their way while these are summed up.
// The block that holds the query's own position turns the new key and writes it first; the one that finishes a row last adds
// its parts up.
//
// What says where the keys are was copied to the device before the step's first kernel, and all keys but the newest were written in
// earlier steps. So all of that may be read while the kernel in front of this one still runs, if that has waited for those before it
// when it lets this one start. Projections and rotary.cu do; a kernel that does not, like the norm, must not come to stand there.

#define CHUNK 128
#define WARPS 4
#define TURNS (CHUNK / (WARPS * 16))
#define SLABS (HEAD_DIM / 32)
#define PARTS (HEAD_DIM / 64)
#define HALF (HEAD_DIM / 2)
#define NONE (-1e30f)

static_assert(HEAD_DIM % 64 == 0 && GROUP <= 8 && TURNS == 2, "the fragments are laid out for these");

DEVICE u32 lows(u32 a, u32 b) { return __byte_perm(a, b, 0x5410); }
DEVICE u32 highs(u32 a, u32 b) { return __byte_perm(a, b, 0x7632); }

// Turns two components each of a first and a second half; angles: cosine, sine, cosine, sine.
DEVICE void turn(u32& x, u32& y, const float4& a) {
    const u32 first = pack(__fsub_rn(__fmul_rn(low(x), a.x), __fmul_rn(low(y), a.y)), __fsub_rn(__fmul_rn(high(x), a.z), __fmul_rn(high(y), a.w)));
    y = pack(__fadd_rn(__fmul_rn(low(y), a.x), __fmul_rn(low(x), a.y)), __fadd_rn(__fmul_rn(high(y), a.z), __fmul_rn(high(x), a.w)));
    x = first;
}

// An element of a small array by an index that is not known while compiling; the array stays in registers.
DEVICE float pick(const float (&values)[GROUP], int index) {
    float value = values[0];
#pragma unroll
    for (int i = 1; i < GROUP; i++) value = index == i ? values[i] : value;
    return value;
}

// The new key, turned, and the new value, by the first two warps.
DEVICE void write_to_cache(const u16* key, const u16* value, u16* to_key, u16* to_value, const float4* angles) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (warp == 0 && lane * 2 < HALF) {
        u32 x = *(const u32*)(key + lane * 2), y = *(const u32*)(key + HALF + lane * 2);
        turn(x, y, angles[lane]);
        *(u32*)(to_key + lane * 2) = x;
        *(u32*)(to_key + HALF + lane * 2) = y;
    } else if (warp == 1) {
        for (int i = lane * 2; i < HEAD_DIM; i += 64) *(u32*)(to_value + i) = *(const u32*)(value + i);
    }
}

DEVICE void attend(
    const u16* qkv, u16* keys, u16* values, u16* output, float* parts, u32* arrived,
    const int* row_ids, const int* positions, const int* segments, const int* tables, const int* offsets, const float2* all_angles,
    int heads, int kv_heads, int window, int block_size, int ring_blocks, int most_chunks, float scale) {
    __shared__ int slots[2][CHUNK];
    __shared__ float sums[WARPS][GROUP][HEAD_DIM];
    __shared__ float maxima[WARPS][GROUP], totals[WARPS][GROUP];
    __shared__ bool is_last;
    const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, kv_head = blockIdx.y;
    const int row = row_ids[blockIdx.z];
    if (row < 0) return wait_for_inputs();
    const int position = positions[row], first = window > 0 ? max(0, position - window + 1) : 0;
    const int first_chunk = first / CHUNK, chunks = position / CHUNK - first_chunk + 1;
    if ((int)blockIdx.x >= chunks) return wait_for_inputs();
    const int* table = tables + offsets[segments[row]];
    const u16* queries = qkv + ((size_t)row * (heads + 2 * kv_heads) + kv_head * GROUP) * HEAD_DIM;
    const float4* angles = (const float4*)(all_angles + (size_t)position * HALF);
    const int part_size = GROUP * (HEAD_DIM + 2);
    float* row_parts = parts + ((size_t)blockIdx.z * kv_heads + kv_head) * most_chunks * part_size;

    auto find_slot = [&](int chunk) {
        const int key = (first_chunk + chunk) * CHUNK + threadIdx.x;
        return chunk < chunks && key >= first && key <= position ? slot_of(table, key, block_size, ring_blocks) : -1;
    };
    uint4 k[2][SLABS];
    auto load_keys = [&](const int* from, int at_key) {
#pragma unroll
        for (int n = 0; n < 2; n++) {
            const int slot = from[at_key + n * 8 + g];
#pragma unroll
            for (int s = 0; s < SLABS; s++)
                k[n][s] = slot >= 0 ? load_once(keys + ((size_t)slot * kv_heads + kv_head) * HEAD_DIM + s * 32 + t * 8) : make_uint4(0, 0, 0, 0);
        }
    };
    const bool begins_with_newest = (int)blockIdx.x == chunks - 1;
    slots[0][threadIdx.x] = find_slot(blockIdx.x);
    __syncthreads();
    if (!begins_with_newest) load_keys(slots[0], warp * 16);

    wait_for_inputs();
    let_next_start();
    if ((chunks - 1) % gridDim.x == blockIdx.x) {
        const size_t to = ((size_t)slot_of(table, position, block_size, ring_blocks) * kv_heads + kv_head) * HEAD_DIM;
        const u16* key = qkv + ((size_t)row * (heads + 2 * kv_heads) + heads + kv_head) * HEAD_DIM;
        write_to_cache(key, key + kv_heads * HEAD_DIM, keys + to, values + to, angles);
    }

    u32 q[SLABS][4];
#pragma unroll
    for (int s = 0; s < SLABS; s++) {
        const uint4 v = g < GROUP ? load16(queries + g * HEAD_DIM + s * 32 + t * 8) : make_uint4(0, 0, 0, 0);
        q[s][0] = v.x;
        q[s][1] = v.y;
        q[s][2] = v.z;
        q[s][3] = v.w;
    }

#pragma unroll
    for (int s = 0; s < SLABS / 2; s++)
#pragma unroll
        for (int j = 0; j < 4; j++) turn(q[s][j], q[s + SLABS / 2][j], angles[s * 16 + t * 4 + j]);
    __syncthreads();
    if (begins_with_newest) load_keys(slots[0], warp * 16);

    int done = 0;
    for (int chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x, done++) {
        const int* now = slots[done & 1];
        int* next = slots[(done & 1) ^ 1];
        float largest = NONE, total = 0;
        float sum[PARTS][4][4] = {};
#pragma unroll
        for (int half = 0; half < TURNS; half++) {
            const int at_key = (half * WARPS + warp) * 16;
            uint4 v[4][PARTS];
            bool seen[4];
#pragma unroll
            for (int n = 0; n < 4; n++) {
                const int slot = now[at_key + n / 2 * 8 + 2 * t + n % 2];
                seen[n] = slot >= 0;
#pragma unroll
                for (int p = 0; p < PARTS; p++)
                    v[n][p] = seen[n] ? load_once(values + ((size_t)slot * kv_heads + kv_head) * HEAD_DIM + p * 64 + g * 8) : make_uint4(0, 0, 0, 0);
            }

            float score[2][4] = {};
#pragma unroll
            for (int n = 0; n < 2; n++)
#pragma unroll
                for (int s = 0; s < SLABS; s++) {
                    multiply_add(score[n], q[s][0], 0, q[s][1], 0, k[n][s].x, k[n][s].y);
                    multiply_add(score[n], q[s][2], 0, q[s][3], 0, k[n][s].z, k[n][s].w);
                }

            int next_slot = -1;
            if (half == 0) {
                load_keys(now, (WARPS + warp) * 16);
                next_slot = find_slot(chunk + gridDim.x);
            } else if (chunk + gridDim.x < chunks) {
                load_keys(next, warp * 16);
            }

            // This lane has head g's scores of keys 2t, 2t + 1 (n = 0) and 8 + 2t, 8 + 2t + 1 (n = 1): the same keys as its values.
            float s0 = seen[0] ? score[0][0] * scale : NONE, s1 = seen[1] ? score[0][1] * scale : NONE;
            float s2 = seen[2] ? score[1][0] * scale : NONE, s3 = seen[3] ? score[1][1] * scale : NONE;
            float top = fmaxf(fmaxf(s0, s1), fmaxf(s2, s3));
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
            top = fmaxf(largest, top);
            const float shrink = exp2_fast(largest - top);
            largest = top;
            s0 = seen[0] ? exp2_fast(s0 - top) : 0.0f;
            s1 = seen[1] ? exp2_fast(s1 - top) : 0.0f;
            s2 = seen[2] ? exp2_fast(s2 - top) : 0.0f;
            s3 = seen[3] ? exp2_fast(s3 - top) : 0.0f;
            total = total * shrink + (s0 + s1 + s2 + s3);
            const u32 p0 = pack(s0, s1), p1 = pack(s2, s3);
            const float shrink_even = __shfl_sync(0xffffffffu, shrink, 8 * t), shrink_odd = __shfl_sync(0xffffffffu, shrink, 8 * t + 4);
            // Row g of product i is component g * 8 + 2i of its 64, row g + 8 the one after it; columns are heads.
#pragma unroll
            for (int p = 0; p < PARTS; p++)
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    float (&c)[4] = sum[p][i];
                    c[0] *= shrink_even;
                    c[1] *= shrink_odd;
                    c[2] *= shrink_even;
                    c[3] *= shrink_odd;
                    multiply_add(
                        c, lows(at(v[0][p], i), at(v[1][p], i)), highs(at(v[0][p], i), at(v[1][p], i)),
                        lows(at(v[2][p], i), at(v[3][p], i)), highs(at(v[2][p], i), at(v[3][p], i)), p0, p1);
                }

            if (half == 0) {
                next[threadIdx.x] = next_slot;
                __syncthreads();
            }
        }

        // The lanes of a head have seen different keys.
        total += __shfl_xor_sync(0xffffffffu, total, 1);
        total += __shfl_xor_sync(0xffffffffu, total, 2);
        if (g < GROUP && t == 0) {
            maxima[warp][g] = largest;
            totals[warp][g] = total;
        }

#pragma unroll
        for (int p = 0; p < PARTS; p++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                if (2 * t < GROUP) *(float2*)&sums[warp][2 * t][p * 64 + g * 8 + 2 * i] = make_float2(sum[p][i][0], sum[p][i][2]);
                if (2 * t + 1 < GROUP) *(float2*)&sums[warp][2 * t + 1][p * 64 + g * 8 + 2 * i] = make_float2(sum[p][i][1], sum[p][i][3]);
            }

        __syncthreads();
        float* part = row_parts + (size_t)chunk * part_size;
        for (int i = threadIdx.x; i < GROUP * HEAD_DIM; i += WARPS * 32) {
            const int head = i / HEAD_DIM, d = i % HEAD_DIM;
            float most = maxima[0][head];
#pragma unroll
            for (int w = 1; w < WARPS; w++) most = fmaxf(most, maxima[w][head]);
            float value = 0, weight = 0;
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                const float factor = exp2_fast(maxima[w][head] - most);
                value += factor * sums[w][head][d];
                weight += factor * totals[w][head];
            }

            if (chunks == 1) {
                output[((size_t)row * heads + kv_head * GROUP + head) * HEAD_DIM + d] = to_bf16(value / weight);
            } else {
                part[i] = value;
                if (d == 0) {
                    part[GROUP * HEAD_DIM + 2 * head] = most;
                    part[GROUP * HEAD_DIM + 2 * head + 1] = weight;
                }
            }
        }
    }

    if (chunks == 1) return;
    __threadfence();
    __syncthreads();
    u32* counter = arrived + (size_t)blockIdx.z * kv_heads + kv_head;
    if (threadIdx.x == 0) {
        is_last = atomicAdd(counter, (u32)done) + done == (u32)chunks;
        if (is_last) *counter = 0;
    }

    __syncthreads();
    if (!is_last) return;
    __threadfence();
    // What each part weighs, then the parts themselves, several on their way at once.
    float* factors = &sums[0][0][0];  // [chunks][GROUP]; more parts than fit are weighed in rounds
    constexpr int ROUND = WARPS * HEAD_DIM;
    float most[GROUP], weight[GROUP] = {};
#pragma unroll
    for (int head = 0; head < GROUP; head++) most[head] = NONE;
    for (int c = 0; c < chunks; c++)
#pragma unroll
        for (int head = 0; head < GROUP; head++) most[head] = fmaxf(most[head], load_shared_result(row_parts + (size_t)c * part_size + GROUP * HEAD_DIM + 2 * head));
    constexpr int MINE = (GROUP * HEAD_DIM + WARPS * 32 - 1) / (WARPS * 32);
    float value[MINE] = {};
    for (int round = 0; round < chunks; round += ROUND) {
        const int count = min(ROUND, chunks - round);
        __syncthreads();
        for (int i = threadIdx.x; i < count * GROUP; i += WARPS * 32)
            factors[i] = exp2_fast(load_shared_result(row_parts + (size_t)(round + i / GROUP) * part_size + GROUP * HEAD_DIM + 2 * (i % GROUP)) - pick(most, i % GROUP));
        __syncthreads();
#pragma unroll 4
        for (int c = 0; c < count; c++) {
            const float* part = row_parts + (size_t)(round + c) * part_size;
#pragma unroll
            for (int n = 0; n < MINE; n++) {
                const int i = n * WARPS * 32 + threadIdx.x;
                if (i < GROUP * HEAD_DIM) value[n] += factors[c * GROUP + i / HEAD_DIM] * load_shared_result(part + i);
            }

#pragma unroll
            for (int head = 0; head < GROUP; head++) weight[head] += factors[c * GROUP + head] * load_shared_result(part + GROUP * HEAD_DIM + 2 * head + 1);
        }
    }

#pragma unroll
    for (int n = 0; n < MINE; n++) {
        const int i = n * WARPS * 32 + threadIdx.x;
        if (i < GROUP * HEAD_DIM) output[((size_t)row * heads + kv_head * GROUP) * HEAD_DIM + i] = to_bf16(value[n] / pick(weight, i / HEAD_DIM));
    }
}

// With three blocks a multiprocessor the registers hold more loads under way; with four, 64 sequences still run in one go.
#define ATTEND_DECODE(name, blocks)                                                                                            \
    extern "C" __global__ void __launch_bounds__(WARPS * 32, blocks) name(                                                    \
        const u16* qkv, u16* keys, u16* values, u16* output, float* parts, u32* arrived,                                      \
        const int* row_ids, const int* positions, const int* segments, const int* tables, const int* offsets,                 \
        const float2* angles, int heads, int kv_heads, int window, int block_size, int ring_blocks, int most_chunks,          \
        float scale) {                                                                                                        \
        attend(qkv, keys, values, output, parts, arrived, row_ids, positions, segments, tables, offsets, angles, heads,       \
            kv_heads, window, block_size, ring_blocks, most_chunks, scale);                                                   \
    }

ATTEND_DECODE(attend_decode_3_blocks, 3)
ATTEND_DECODE(attend_decode_4_blocks, 4)
