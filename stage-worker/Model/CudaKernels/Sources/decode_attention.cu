// Attention of one query per sequence over its paged ring, split over keys.
//
// qkv: [rows, (heads + 2 kv_heads) * HEAD_DIM] with turned queries; keys, values: [slots, kv_heads, HEAD_DIM]; output:
// [rows, heads * HEAD_DIM]. Query p sees key k iff 0 <= p - k < window (0: no window). Block tables: tables[offsets[segment] + i].
// Bytes: visible keys * kv_heads * HEAD_DIM * 4; a byte is read once for all GROUP query heads of its kv head.
//
// The keys of a sequence are cut at multiples of CHUNK positions, whatever the batch, and the parts are added in order: a row
// comes out the same in every batch. Each warp takes 16 keys at a time: scores as Q [16 x d] * K^T, with the heads of the group
// in the first GROUP of the 16 rows; the product with V takes its right operand from two key rows by byte permutation. So keys
// and values go from memory to registers to tensor cores, 16 bytes a thread, without shared memory in between.
// The block that finishes a row last adds its parts up.

#define CHUNK 128
#define WARPS 4
#define SLABS (HEAD_DIM / 32)
#define PARTS (HEAD_DIM / 64)
#define NONE (-1e30f)

static_assert(HEAD_DIM % 64 == 0 && GROUP <= 8, "the fragments are laid out for these");

DEVICE u32 lows(u32 a, u32 b) { return __byte_perm(a, b, 0x5410); }
DEVICE u32 highs(u32 a, u32 b) { return __byte_perm(a, b, 0x7632); }

extern "C" __global__ void __launch_bounds__(WARPS * 32, 3) attend_decode(
    const u16* qkv, const u16* keys, const u16* values, u16* output, float* parts, u32* arrived,
    const int* row_ids, const int* positions, const int* segments, const int* tables, const int* offsets,
    int heads, int kv_heads, int window, int block_size, int ring_blocks, int most_chunks, float scale) {
    __shared__ int slots[CHUNK];
    __shared__ float sums[WARPS][GROUP][HEAD_DIM];
    __shared__ float maxima[WARPS][GROUP], totals[WARPS][GROUP];
    __shared__ bool is_last;
    const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, kv_head = blockIdx.y;
    wait_for_inputs();
    let_next_start();
    const int row = row_ids[blockIdx.z];
    if (row < 0) return;
    const int position = positions[row], first = window > 0 ? max(0, position - window + 1) : 0;
    const int first_chunk = first / CHUNK, chunks = position / CHUNK - first_chunk + 1;
    if ((int)blockIdx.x >= chunks) return;
    const int* table = tables + offsets[segments[row]];
    const u16* queries = qkv + ((size_t)row * (heads + 2 * kv_heads) + kv_head * GROUP) * HEAD_DIM;
    const int part_size = GROUP * (HEAD_DIM + 2);
    float* row_parts = parts + ((size_t)blockIdx.z * kv_heads + kv_head) * most_chunks * part_size;

    uint4 q[SLABS];
#pragma unroll
    for (int s = 0; s < SLABS; s++) q[s] = g < GROUP ? load16(queries + g * HEAD_DIM + s * 32 + t * 8) : make_uint4(0, 0, 0, 0);

    int done = 0;
    for (int chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x, done++) {
        const int start = (first_chunk + chunk) * CHUNK;
        const int mine = start + threadIdx.x;
        __syncthreads();
        slots[threadIdx.x] = mine >= first && mine <= position ? slot_of(table, mine, block_size, ring_blocks) : -1;
        __syncthreads();

        float largest = NONE, total = 0;
        float sum[PARTS][8][4] = {};
#pragma unroll
        for (int turn = 0; turn < CHUNK / (WARPS * 16); turn++) {
            const int at_key = (turn * WARPS + warp) * 16;
            uint4 k[2][SLABS], v[4][PARTS];
            int key_slot[2], value_slot[4];
#pragma unroll
            for (int n = 0; n < 2; n++) {
                key_slot[n] = slots[at_key + n * 8 + g];
#pragma unroll
                for (int s = 0; s < SLABS; s++)
                    k[n][s] = key_slot[n] >= 0 ? load_once(keys + ((size_t)key_slot[n] * kv_heads + kv_head) * HEAD_DIM + s * 32 + t * 8) : make_uint4(0, 0, 0, 0);
            }

#pragma unroll
            for (int n = 0; n < 4; n++) {
                value_slot[n] = slots[at_key + n / 2 * 8 + 2 * t + n % 2];
#pragma unroll
                for (int p = 0; p < PARTS; p++)
                    v[n][p] = value_slot[n] >= 0 ? load_once(values + ((size_t)value_slot[n] * kv_heads + kv_head) * HEAD_DIM + p * 64 + g * 8) : make_uint4(0, 0, 0, 0);
            }

            float score[2][4] = {};
#pragma unroll
            for (int n = 0; n < 2; n++)
#pragma unroll
                for (int s = 0; s < SLABS; s++) {
                    multiply_add(score[n], q[s].x, 0, q[s].y, 0, k[n][s].x, k[n][s].y);
                    multiply_add(score[n], q[s].z, 0, q[s].w, 0, k[n][s].z, k[n][s].w);
                }

            // This lane has head g's scores of keys 2t, 2t + 1 (n = 0) and 8 + 2t, 8 + 2t + 1 (n = 1): the same keys as its values.
            float s0 = value_slot[0] >= 0 ? score[0][0] * scale : NONE, s1 = value_slot[1] >= 0 ? score[0][1] * scale : NONE;
            float s2 = value_slot[2] >= 0 ? score[1][0] * scale : NONE, s3 = value_slot[3] >= 0 ? score[1][1] * scale : NONE;
            float top = fmaxf(fmaxf(s0, s1), fmaxf(s2, s3));
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
            const float now = fmaxf(largest, top), shrink = exp2_fast(largest - now);
            largest = now;
            s0 = s0 > NONE ? exp2_fast(s0 - now) : 0.0f;
            s1 = s1 > NONE ? exp2_fast(s1 - now) : 0.0f;
            s2 = s2 > NONE ? exp2_fast(s2 - now) : 0.0f;
            s3 = s3 > NONE ? exp2_fast(s3 - now) : 0.0f;
            total = total * shrink + (s0 + s1 + s2 + s3);
            const u32 p0 = pack(s0, s1), p1 = pack(s2, s3);
#pragma unroll
            for (int p = 0; p < PARTS; p++)
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    float (&even)[4] = sum[p][2 * i];
                    float (&odd)[4] = sum[p][2 * i + 1];
                    even[0] *= shrink;
                    even[1] *= shrink;
                    odd[0] *= shrink;
                    odd[1] *= shrink;
                    multiply_add(even, p0, 0, p1, 0, lows(at(v[0][p], i), at(v[1][p], i)), lows(at(v[2][p], i), at(v[3][p], i)));
                    multiply_add(odd, p0, 0, p1, 0, highs(at(v[0][p], i), at(v[1][p], i)), highs(at(v[2][p], i), at(v[3][p], i)));
                }
        }

        // The lanes of a head have seen different keys.
        total += __shfl_xor_sync(0xffffffffu, total, 1);
        total += __shfl_xor_sync(0xffffffffu, total, 2);
        if (g < GROUP) {
            if (t == 0) {
                maxima[warp][g] = largest;
                totals[warp][g] = total;
            }

            // Column n of product j is component n * 8 + j of its 64.
#pragma unroll
            for (int p = 0; p < PARTS; p++)
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    sums[warp][g][p * 64 + 2 * t * 8 + j] = sum[p][j][0];
                    sums[warp][g][p * 64 + (2 * t + 1) * 8 + j] = sum[p][j][1];
                }
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
    for (int i = threadIdx.x; i < GROUP * HEAD_DIM; i += WARPS * 32) {
        const int head = i / HEAD_DIM;
        float most = NONE, value = 0, weight = 0;
        for (int c = 0; c < chunks; c++) most = fmaxf(most, load_shared_result(row_parts + (size_t)c * part_size + GROUP * HEAD_DIM + 2 * head));
        for (int c = 0; c < chunks; c++) {
            const float* part = row_parts + (size_t)c * part_size;
            const float factor = exp2_fast(load_shared_result(part + GROUP * HEAD_DIM + 2 * head) - most);
            value += factor * load_shared_result(part + i);
            weight += factor * load_shared_result(part + GROUP * HEAD_DIM + 2 * head + 1);
        }

        output[((size_t)row * heads + kv_head * GROUP) * HEAD_DIM + i] = to_bf16(value / weight);
    }
}
