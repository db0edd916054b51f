// Attention of packed prompt chunks over the paged ring for Hopper: what prefill_attention.cu computes, with instructions that
// compute capability 9.0 alone has. Layouts as in decode_attention.cu. tiles: (segment, first row, rows, first position), longest first.
//
// A block has three warpgroups. Two of them compute for 64 queries of a tile each, KEYS keys a turn: scores = queries * keys, the
// running softmax, sums += weights * values. The tensor cores take their factors from shared memory (queries and weights from
// registers) and work on while the warps do: the scores of the next keys and the sums with the present values are queued together,
// and the softmax of those scores runs beside the sums. The third warpgroup gathers keys and values out of the ring row by row,
// into STAGES stages, in the order in which they are needed: K0 K1 V0 K2 V1 ... V. It runs ahead into the block's next tile.
//
// Rows lie in shared memory as the tensor cores want them: 64 columns (128 bytes) wide, their 16-byte pieces swapped by the row's
// low bits; rows of 128 columns are cut into two halves, one after the other.
//
// Work: 4 * HEAD_DIM operations a visible (query, key) pair and head; 4 * HEAD_DIM bytes out of L2 for a key and a tile's head.
// Reached for 32 heads of 128 and 8 kv heads on an H100 (80 GB, HBM3): 453 TFLOP/s for a prompt of 2048; for 8192 with a window of
// 4096 589, and 507 where work before it had brought the card to its 700 W. prefill_attention.cu reaches 166 and 250 there.

#define ROWS 128
#define KEYS 128
#define STAGES 4
#define THREADS 384
#define TILE_BYTES (128 * HEAD_DIM * 2)  // a tile's queries, a turn's keys, a turn's values
#define HALF_BYTES (128 * 128)
#define COMPUTING_WARPS 8
#define COPYING_WARPS 4
#define HIDDEN_SCORE (-1e30f)
#define NO_WINDOW (1 << 30)

struct Tile { int segment, first_row, rows, first_position; };

// Where things lie in shared memory: queries, stages, and for each stage whether it is filled, whether it is read.
struct Memory {
    u32 queries;
    DEVICE u32 stage(int i) const { return queries + (1 + i) * TILE_BYTES; }
    DEVICE u32 filled(int i) const { return stage(STAGES) + i * 8; }
    DEVICE u32 emptied(int i) const { return stage(STAGES) + (STAGES + i) * 8; }
    DEVICE u32 queries_read() const { return stage(STAGES) + 2 * STAGES * 8; }
};

// What a block does one after the other: a head of a tile each time. The order goes there and back over the blocks, so that with
// longer tiles first all have about as much to do.
struct Work {
    Tile tile;
    int head, first_key, last_key;
    DEVICE bool take(int round, int count, const Tile* tiles, int heads, int reach) {
        const int item = round * gridDim.x + (round % 2 ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
        if (item >= count) return false;
        tile = tiles[item / heads];
        head = item % heads;
        first_key = max(0, tile.first_position - reach + 1);
        last_key = tile.first_position + tile.rows - 1;
        return true;
    }
    DEVICE int first_turn() const { return first_key / KEYS; }
    DEVICE int last_turn() const { return last_key / KEYS; }
};

// By one lane, for all that the warp did before.
DEVICE void arrive(u32 barrier) {
    __syncwarp();
    if (threadIdx.x % 32 == 0) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

DEVICE u64 multiply_wide(u32 a, u32 b) {
    u64 product;
    asm("mul.wide.u32 %0, %1, %2;" : "=l"(product) : "r"(a), "r"(b));
    return product;
}

// 16 bytes of a row, or as many zeros for row -1.
DEVICE void copy_piece(u32 to, u64 from, int row) {
    asm volatile("{\n.reg .pred absent;\nsetp.lt.s32 absent, %2, 0;\ncp.async.cg.shared.global [%0], [%1], 16, absent;\n}" ::"r"(to), "l"(from), "r"(row));
}

// A warp's 32 of 128 rows; each lane knows the number of one, -1 for a row of zeros. Eight lanes copy a half of a row at a time, and
// what the rows of a lane have in common is worked out once: four warps have to keep up with the tensor cores.
DEVICE void copy_rows(u32 to, const u16* from, int number, u32 row_bytes) {
    const int lane = threadIdx.x % 32;
    const u32 place = to + lane / 8 * 8 * 128 + lane % 8 * 16;
    const u64 piece = (u64)(from + lane % 8 * 8);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const int row = __shfl_sync(0xffffffffu, number, i, 8);
        const u64 row_piece = piece + multiply_wide(max(row, 0), row_bytes);
#pragma unroll
        for (int half = 0; half < HEAD_DIM / 64; half++) copy_piece((place ^ i * 16) + i * 128 + half * HALF_BYTES, row_piece + half * 128, row);
    }
}

#define NAMES_OF_32 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define NAMES_OF_64 NAMES_OF_32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"

// c[64 x 128] = or += a[64 x 16] * b[128 x 16], b's rows as columns
DEVICE void multiply_keys(float (&c)[16][4], const u32 (&a)[4], u64 b, int add) {
    asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %69, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" NAMES_OF_64 "}, {%64, %65, %66, %67}, %68, add, 1, 1, 0;\n}"
        : SIXTEEN(c, 0), SIXTEEN(c, 4), SIXTEEN(c, 8), SIXTEEN(c, 12) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}

// c[64 x HEAD_DIM] += a[64 x 16] * b[16 x HEAD_DIM]
DEVICE void multiply_values(float (&c)[16][4], const u32 (&a)[4], u64 b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" NAMES_OF_64 "}, {%64, %65, %66, %67}, %68, 1, 1, 1, 1;"
        : SIXTEEN(c, 0), SIXTEEN(c, 4), SIXTEEN(c, 8), SIXTEEN(c, 12) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
DEVICE void multiply_values(float (&c)[8][4], const u32 (&a)[4], u64 b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" NAMES_OF_32 "}, {%32, %33, %34, %35}, %36, 1, 1, 1, 1;"
        : SIXTEEN(c, 0), SIXTEEN(c, 4) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

// Until so many of the products that were begun last are left; c is the program's again.
template <int left>
DEVICE void wait_for_products(float (&c)[16][4]) {
    asm volatile("wgmma.wait_group.sync.aligned %64;" : SIXTEEN(c, 0), SIXTEEN(c, 4), SIXTEEN(c, 8), SIXTEEN(c, 12) : "n"(left) : "memory");
}
template <int left>
DEVICE void wait_for_products(float (&c)[8][4]) {
    asm volatile("wgmma.wait_group.sync.aligned %32;" : SIXTEEN(c, 0), SIXTEEN(c, 4) : "n"(left) : "memory");
}

// A warp's 16 of the 64 queries.
DEVICE void load_queries(u32 (&queries)[HEAD_DIM / 16][4], u32 from) {
    const int row = threadIdx.x / 32 % 4 * 16 + threadIdx.x % 16, right = threadIdx.x % 32 / 16;
#pragma unroll
    for (int step = 0; step < HEAD_DIM / 16; step++) {
        u32(&q)[4] = queries[step];
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
            : "=r"(q[0]), "=r"(q[1]), "=r"(q[2]), "=r"(q[3]) : "r"(from + step / 4 * HALF_BYTES + row * 128 + ((step % 4 * 2 + right ^ row) & 7) * 16) : "memory");
    }
}

DEVICE void queue_scores(float (&scores)[KEYS / 8][4], const u32 (&queries)[HEAD_DIM / 16][4], u32 keys) {
#pragma unroll
    for (int step = 0; step < HEAD_DIM / 16; step++) multiply_keys(scores, queries[step], described(keys + step / 4 * HALF_BYTES + step % 4 * 32, HALF_BYTES), step > 0);
    end_products();
}

DEVICE void queue_sums(float (&sums)[HEAD_DIM / 8][4], const u32 (&weights)[KEYS / 16][4], u32 values) {
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++) multiply_values(sums, weights[step], described(values + step * 16 * 128, HALF_BYTES));
    end_products();
}

// A thread has two rows, 8 apart, and of every 8 columns two. Those before farthest and behind nearest are hidden from the first row.
DEVICE void hide(float (&scores)[KEYS / 8][4], int farthest, int nearest) {
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int column = n * 8 + i % 2 - i / 2 * 8;
            if (column < farthest || column > nearest) scores[n][i] = HIDDEN_SCORE;
        }
}

// One turn of the running softmax: scores become weights. shrink: what older sums are worth now.
DEVICE void soften(float (&scores)[KEYS / 8][4], float (&largest)[2], float (&totals)[2], float (&shrink)[2], float scale) {
    float offsets[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float tops[2] = {largest[h], HIDDEN_SCORE};
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 0; i < 2; i++) tops[i] = fmaxf(tops[i], scores[n][2 * h + i]);
        float top = fmaxf(tops[0], tops[1]);
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
        shrink[h] = exp2_fast((largest[h] - top) * scale);
        largest[h] = top;
        // Where all keys so far are hidden, the rounding of this product would be the exponent.
        offsets[h] = top == HIDDEN_SCORE ? 0.0f : top * scale;
    }

#pragma unroll
    for (int h = 0; h < 2; h++) {
        float parts[2] = {totals[h] * shrink[h], 0.0f};
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 0; i < 2; i++) {
                scores[n][2 * h + i] = exp2_fast(scores[n][2 * h + i] * scale - offsets[h]);
                parts[i] += scores[n][2 * h + i];
            }
        totals[h] = parts[0] + parts[1];
    }
}

// A thread's part of a product is, rounded, its part of the next one's first factor.
DEVICE void round_weights(u32 (&weights)[KEYS / 16][4], const float (&scores)[KEYS / 8][4]) {
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++)
#pragma unroll
        for (int i = 0; i < 4; i++) weights[step][i] = pack(scores[2 * step + i / 2][i % 2 * 2], scores[2 * step + i / 2][i % 2 * 2 + 1]);
}

// Shared memory: what Memory says, from a multiple of 1024 bytes on.
extern "C" __global__ void __launch_bounds__(THREADS, 1) attend_prefill_hopper(
    const u16* qkv, const u16* keys, const u16* values, u16* output, const Tile* tiles, const int* tables, const int* offsets,
    int heads, int kv_heads, int window, int block_size, int ring_blocks, float scale, int tile_count) {
    extern __shared__ __align__(1024) u8 dynamic[];
    const Memory memory = {(shared_address(dynamic) + 1023) & ~1023u};
    const int group = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
    const int count = tile_count * heads, reach = window > 0 ? window : NO_WINDOW;
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            make_barrier(memory.filled(i), COPYING_WARPS);
            make_barrier(memory.emptied(i), COMPUTING_WARPS);
        }

        make_barrier(memory.queries_read(), COMPUTING_WARPS);
    }

    __syncthreads();
    wait_for_inputs();
    let_next_start();
    Work work;

    // Every thread begins with 168 registers; those who copy leave most of theirs to those who compute.
    if (group == 2) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
        const int row = warp * 32 + lane;
        Place<STAGES> place = {0, 1};
        int under_way = -1, queries_phase = 1;
        auto announce = [&]() {
            // The tensor cores read past ordinary writes, and these copies are such, unless a fence lies between.
            asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
            if (under_way >= 0) arrive(memory.filled(under_way));
        };
        auto fill = [&](const u16* from, int slot) {
            wait_for(memory.emptied(place.stage), place.phase);
            copy_rows(memory.stage(place.stage) + warp * 32 * 128, from, slot, kv_heads * HEAD_DIM * 2);
            asm volatile("cp.async.commit_group;\ncp.async.wait_group 1;" ::: "memory");
            announce();
            under_way = place.stage;
            place.advance();
        };

        for (int round = 0; work.take(round, count, tiles, heads, reach); round++) {
            const int* table = tables + offsets[work.tile.segment];
            auto slot_in = [&](int turn) {
                const int key = turn * KEYS + row;
                return key >= work.first_key && key <= work.last_key ? slot_of(table, key, block_size, ring_blocks) : -1;
            };
            const u16* head_keys = keys + work.head / GROUP * HEAD_DIM;
            const u16* head_values = values + work.head / GROUP * HEAD_DIM;
            int slot = slot_in(work.first_turn());

            // The queries come with the first keys.
            wait_for(memory.queries_read(), queries_phase);
            queries_phase ^= 1;
            copy_rows(memory.queries + warp * 32 * 128, qkv + work.head * HEAD_DIM, row < work.tile.rows ? work.tile.first_row + row : -1, (heads + 2 * kv_heads) * HEAD_DIM * 2);
            fill(head_keys, slot);
            for (int turn = work.first_turn() + 1; turn <= work.last_turn(); turn++) {
                const int next_slot = slot_in(turn);
                fill(head_keys, next_slot);
                fill(head_values, slot);
                slot = next_slot;
            }

            fill(head_values, slot);
        }

        asm volatile("cp.async.wait_group 0;" ::: "memory");
        announce();
    } else {
        asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
        const int g = lane / 4, t = lane % 4, first_row = group * 64 + warp * 16;
        u32 queries[HEAD_DIM / 16][4], weights[KEYS / 16][4];
        float scores[KEYS / 8][4];
        Place<STAGES> place = {0, 0};
        for (int round = 0; work.take(round, count, tiles, heads, reach); round++) {
            float sums[HEAD_DIM / 8][4] = {}, largest[2] = {HIDDEN_SCORE, HIDDEN_SCORE}, totals[2] = {}, shrink[2];
            auto hide_unseen = [&](int turn) {
                const int nearest = work.tile.first_position + first_row - turn * KEYS;  // to the warp's first query
                if (nearest < KEYS - 1 || nearest + 15 >= reach) hide(scores, nearest + g - 2 * t - reach + 1, nearest + g - 2 * t);
            };

            wait_for(memory.filled(place.stage), place.phase);
            load_queries(queries, memory.queries + group * 64 * 128);
            arrive(memory.queries_read());
            begin_products();
            queue_scores(scores, queries, memory.stage(place.stage));
            wait_for_products<0>(scores);
            arrive(memory.emptied(place.stage));
            place.advance();
            hide_unseen(work.first_turn());
            soften(scores, largest, totals, shrink, scale);
            round_weights(weights, scores);
            wait_for(memory.filled(place.stage), place.phase);

            for (int turn = work.first_turn() + 1; turn <= work.last_turn(); turn++) {
                const int key_stage = place.stage;
                place.advance();
                const int value_stage = place.stage;
                begin_products();
                queue_scores(scores, queries, memory.stage(key_stage));
                wait_for(memory.filled(value_stage), place.phase);
                queue_sums(sums, weights, memory.stage(value_stage));
                wait_for_products<1>(scores);
                arrive(memory.emptied(key_stage));
                hide_unseen(turn);
                soften(scores, largest, totals, shrink, scale);
                place.advance();
                wait_for(memory.filled(place.stage), place.phase);  // here, where it keeps the compiler from moving the softmax behind the sums
                wait_for_products<0>(sums);
                arrive(memory.emptied(value_stage));
                round_weights(weights, scores);
#pragma unroll
                for (int d = 0; d < HEAD_DIM / 8; d++)
#pragma unroll
                    for (int i = 0; i < 4; i++) sums[d][i] *= shrink[i / 2];
            }

            begin_products();
            queue_sums(sums, weights, memory.stage(place.stage));
            wait_for_products<0>(sums);
            arrive(memory.emptied(place.stage));
            place.advance();
#pragma unroll
            for (int h = 0; h < 2; h++) {
                float total = totals[h];
                total += __shfl_xor_sync(0xffffffffu, total, 1);
                total += __shfl_xor_sync(0xffffffffu, total, 2);
                const int row = first_row + h * 8 + g;
                if (row < work.tile.rows) {
                    const float factor = 1.0f / total;
                    u16* to = output + ((size_t)(work.tile.first_row + row) * heads + work.head) * HEAD_DIM + 2 * t;
#pragma unroll
                    for (int d = 0; d < HEAD_DIM / 8; d++) *(u32*)(to + d * 8) = pack(sums[d][2 * h] * factor, sums[d][2 * h + 1] * factor);
                }
            }
        }
    }
}
