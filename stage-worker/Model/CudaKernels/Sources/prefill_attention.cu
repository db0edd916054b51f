// Attention of packed prompt chunks over the paged ring, on tensor cores with a running softmax (flash attention).
//
// A block takes ROWS neighbouring queries of one sequence and one head and walks over the keys that any of them sees, KEYS at a
// time: the chunk's own keys are in the ring already, so a chunk after a cache is no special case. Layouts as in
// decode_attention.cu. tiles: (segment, first row, rows, first position), longest first.
// Work: 4 * HEAD_DIM operations a visible (query, key) pair and head.
//
// Each of the 4 warps has 32 queries: a fragment of keys or values from shared memory serves two products, which keeps shared
// memory from being the limit. Copies of the next keys run while the current ones are multiplied. Rows in shared memory are
// HEAD_DIM * 2 bytes; their 16-byte pieces are swapped by the row's low bits against bank conflicts.

#define ROWS 128
#define KEYS 64
#define THREADS 128
#define PIECES (HEAD_DIM / 8)
#define HIDDEN_SCORE (-1e30f)

struct Tile { int segment, first_row, rows, first_position; };

DEVICE u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

DEVICE u32 piece_at(u32 base, int row, int piece) { return base + (row * PIECES + (piece ^ (row & 7))) * 16; }

DEVICE void copy_piece(u32 to, const u16* from, bool exists) {
    const int bytes = exists ? 16 : 0;  // the rest is filled with zeros
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
}

DEVICE void load_matrices(u32 (&r)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from));
}

DEVICE void load_matrices_transposed(u32 (&r)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from));
}

// Shared memory: queries [ROWS], then two stages of keys [KEYS] and values [KEYS], rows of HEAD_DIM bf16.
extern "C" __global__ void __launch_bounds__(THREADS, 2) attend_prefill(
    const u16* qkv, const u16* keys, const u16* values, u16* output, const Tile* tiles, const int* tables, const int* offsets,
    int heads, int kv_heads, int window, int block_size, int ring_blocks, float scale) {
    extern __shared__ __align__(128) u8 memory[];
    __shared__ int slots[3][KEYS];
    const u32 query_base = shared_address(memory), key_base = query_base + ROWS * HEAD_DIM * 2, value_base = key_base + 2 * KEYS * HEAD_DIM * 2;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int head = blockIdx.y, kv_head = head / GROUP;
    wait_for_inputs();
    let_next_start();
    const Tile tile = tiles[blockIdx.x];
    const int* table = tables + offsets[tile.segment];
    const int first_key = window > 0 ? max(0, tile.first_position - window + 1) : 0, last_key = tile.first_position + tile.rows - 1;
    const int first = first_key / KEYS, last = last_key / KEYS;

    auto find_slots = [&](int part) {
        if (threadIdx.x < KEYS) {
            const int key = part * KEYS + threadIdx.x;
            slots[part % 3][threadIdx.x] = key >= first_key && key <= last_key ? slot_of(table, key, block_size, ring_blocks) : -1;
        }
    };
    auto copy_keys = [&](int part) {
        const u32 stage = (part & 1) * KEYS * HEAD_DIM * 2;
#pragma unroll
        for (int i = 0; i < KEYS * PIECES / THREADS; i++) {
            const int row = (i * THREADS + threadIdx.x) / PIECES, piece = threadIdx.x % PIECES, slot = slots[part % 3][row];
            const size_t from = ((size_t)max(slot, 0) * kv_heads + kv_head) * HEAD_DIM + piece * 8;
            copy_piece(piece_at(key_base + stage, row, piece), keys + from, slot >= 0);
            copy_piece(piece_at(value_base + stage, row, piece), values + from, slot >= 0);
        }

        asm volatile("cp.async.commit_group;");
    };

    find_slots(first);
    find_slots(first + 1);
#pragma unroll
    for (int i = 0; i < ROWS * PIECES / THREADS; i++) {
        const int row = (i * THREADS + threadIdx.x) / PIECES, piece = threadIdx.x % PIECES;
        const bool exists = row < tile.rows;
        copy_piece(piece_at(query_base, row, piece), qkv + ((size_t)(tile.first_row + (exists ? row : 0)) * (heads + 2 * kv_heads) + head) * HEAD_DIM + piece * 8, exists);
    }

    __syncthreads();
    copy_keys(first);

    float sums[2][HEAD_DIM / 8][4] = {};
    float largest[2][2] = {{HIDDEN_SCORE, HIDDEN_SCORE}, {HIDDEN_SCORE, HIDDEN_SCORE}}, totals[2][2] = {};
    const int first_query = tile.first_position + warp * 32;
    for (int part = first; part <= last; part++) {
        asm volatile("cp.async.wait_group 0;" ::: "memory");
        __syncthreads();
        if (part < last) copy_keys(part + 1);
        find_slots(part + 2);
        const u32 stage = (part & 1) * KEYS * HEAD_DIM * 2;

        float scores[2][KEYS / 8][4] = {};
#pragma unroll
        for (int step = 0; step < HEAD_DIM / 16; step++) {
            u32 q[2][4];
#pragma unroll
            for (int m = 0; m < 2; m++) load_matrices(q[m], piece_at(query_base, warp * 32 + m * 16 + lane % 16, step * 2 + lane / 16));
#pragma unroll
            for (int n = 0; n < KEYS / 16; n++) {
                u32 k[4];
                load_matrices(k, piece_at(key_base + stage, n * 16 + lane / 16 * 8 + lane % 8, step * 2 + lane / 8 % 2));
#pragma unroll
                for (int m = 0; m < 2; m++) {
                    multiply_add(scores[m][2 * n], q[m][0], q[m][1], q[m][2], q[m][3], k[0], k[1]);
                    multiply_add(scores[m][2 * n + 1], q[m][0], q[m][1], q[m][2], q[m][3], k[2], k[3]);
                }
            }
        }

        if (part * KEYS + KEYS - 1 > first_query || (window > 0 && first_query + 31 - part * KEYS >= window)) {
#pragma unroll
            for (int m = 0; m < 2; m++)
#pragma unroll
                for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int distance = first_query + m * 16 + g + i / 2 * 8 - (part * KEYS + n * 8 + 2 * t + i % 2);
                        if (distance < 0 || (window > 0 && distance >= window)) scores[m][n][i] = HIDDEN_SCORE;
                    }
        }

#pragma unroll
        for (int m = 0; m < 2; m++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                float top = largest[m][h];
#pragma unroll
                for (int n = 0; n < KEYS / 8; n++) top = fmaxf(top, fmaxf(scores[m][n][2 * h], scores[m][n][2 * h + 1]));
                top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
                top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
                const float shrink = exp2_fast((largest[m][h] - top) * scale);
                largest[m][h] = top;
                totals[m][h] *= shrink;
#pragma unroll
                for (int d = 0; d < HEAD_DIM / 8; d++) {
                    sums[m][d][2 * h] *= shrink;
                    sums[m][d][2 * h + 1] *= shrink;
                }

                // Where all keys so far are hidden, the rounding of this product would be the exponent.
                const float offset = top == HIDDEN_SCORE ? 0.0f : top * scale;
#pragma unroll
                for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
                    for (int i = 0; i < 2; i++) {
                        const float p = exp2_fast(scores[m][n][2 * h + i] * scale - offset);
                        scores[m][n][2 * h + i] = p;
                        totals[m][h] += p;
                    }
            }

#pragma unroll
        for (int step = 0; step < KEYS / 16; step++) {
            u32 p[2][4];
#pragma unroll
            for (int m = 0; m < 2; m++)
#pragma unroll
                for (int i = 0; i < 4; i++) p[m][i] = pack(scores[m][2 * step + i / 2][i % 2 * 2], scores[m][2 * step + i / 2][i % 2 * 2 + 1]);
#pragma unroll
            for (int d = 0; d < HEAD_DIM / 16; d++) {
                u32 v[4];
                load_matrices_transposed(v, piece_at(value_base + stage, step * 16 + lane / 8 % 2 * 8 + lane % 8, d * 2 + lane / 16));
#pragma unroll
                for (int m = 0; m < 2; m++) {
                    multiply_add(sums[m][2 * d], p[m][0], p[m][1], p[m][2], p[m][3], v[0], v[1]);
                    multiply_add(sums[m][2 * d + 1], p[m][0], p[m][1], p[m][2], p[m][3], v[2], v[3]);
                }
            }
        }
    }

#pragma unroll
    for (int m = 0; m < 2; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float total = totals[m][h];
            total += __shfl_xor_sync(0xffffffffu, total, 1);
            total += __shfl_xor_sync(0xffffffffu, total, 2);
            const int row = warp * 32 + m * 16 + h * 8 + g;
            if (row < tile.rows) {
                const float factor = 1.0f / total;
                u16* to = output + ((size_t)(tile.first_row + row) * heads + head) * HEAD_DIM + 2 * t;
#pragma unroll
                for (int d = 0; d < HEAD_DIM / 8; d++) *(u32*)(to + d * 8) = pack(sums[m][d][2 * h] * factor, sums[m][d][2 * h + 1] * factor);
            }
        }
}
