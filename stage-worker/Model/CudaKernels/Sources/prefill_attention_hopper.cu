// Attention of packed prompt chunks over the paged ring for Hopper: what prefill_attention.cu computes, with the instructions that
// compute capability 9.0 alone has. The host takes that one on any other device.
//
// A block has three warpgroups. Two compute, 64 queries of a tile each: scores = queries * keys, running softmax, sums += weights *
// values, KEYS keys a turn. The products are asynchronous: those of the next scores and the present values are queued together, and
// while they run this warpgroup waits, or works on the scores that are there; the two take turns at queueing, so that one has its
// softmax while the other multiplies. The third warpgroup gathers keys and values out of the ring, row by row, into STAGES stages
// of shared memory, in the order in which they are needed: K0 K1 V0 K2 V1 ... It goes on into the block's next tile.
//
// Rows lie in shared memory as the products read them: 64 columns (128 bytes) wide, their 16-byte pieces swapped by the row's low
// bits; head_dim 128 is two such halves one after the other. Layouts in memory as in decode_attention.cu. tiles: (segment, first
// row, rows, first position), longest first.
// Work: 4 * HEAD_DIM operations a visible (query, key) pair and head.

#define ROWS 128
#define KEYS 128
#define STAGES 4
#define THREADS 384
#define PIECES (HEAD_DIM / 8)
#define TILE_BYTES (128 * HEAD_DIM * 2)  // queries of a tile, keys or values of a turn
#define HALF_BYTES (128 * 128)
#define COMPUTING_WARPS 8
#define COPYING_WARPS 4
#define HIDDEN_SCORE (-1e30f)
#define NO_WINDOW (1 << 30)

struct Tile { int segment, first_row, rows, first_position; };

// A place in the ring of stages. phase: parity of the rounds made.
struct Place {
    int stage, phase;
    DEVICE void advance() {
        if (++stage == STAGES) {
            stage = 0;
            phase ^= 1;
        }
    }
};

// Where things lie in shared memory.
struct Memory {
    u32 queries;
    DEVICE u32 stage(int i) const { return queries + TILE_BYTES + i * TILE_BYTES; }
    DEVICE u32 filled(int i) const { return stage(STAGES) + i * 8; }
    DEVICE u32 emptied(int i) const { return stage(STAGES) + (STAGES + i) * 8; }
    DEVICE u32 queries_read() const { return stage(STAGES) + 2 * STAGES * 8; }
};

DEVICE void make_barrier(u32 barrier, int arrivals) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory"); }

DEVICE void arrive(u32 barrier) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory"); }

DEVICE void wait_for(u32 barrier, int phase) {
    asm volatile("{\n.reg .pred done;\nAGAIN:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@!done bra AGAIN;\n}" ::"r"(barrier), "r"(phase) : "memory");
}

// The computing warpgroups' turns: each has a barrier of its own, which the other opens.
DEVICE void await_turn(int group) { asm volatile("bar.sync %0, 256;" ::"r"(1 + group) : "memory"); }
DEVICE void give_turn(int group) { asm volatile("bar.arrive %0, 256;" ::"r"(1 + group) : "memory"); }

DEVICE void copy_piece(u32 to, const u16* from, bool exists) {
    const int bytes = exists ? 16 : 0;  // the rest is filled with zeros
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
}

// A warp's 32 of 128 rows; each lane knows one's number, -1 for a row of zeros.
DEVICE void copy_rows(u32 to, const u16* from, int number, int stride) {
    const int lane = threadIdx.x % 32, piece = lane % PIECES;
#pragma unroll 4
    for (int i = 0; i < PIECES; i++) {
        const int row = i * (32 / PIECES) + lane / PIECES, source = __shfl_sync(0xffffffffu, number, row);
        copy_piece(to + piece / 8 * HALF_BYTES + row * 128 + ((piece ^ row) & 7) * 16, from + (size_t)(u32)max(source, 0) * (u32)stride + piece * 8, source >= 0);
    }
}

// What a product reads from shared memory: an address, and in units of 16 bytes the distance of 8 rows (1024 bytes) and of the
// halves, which matters where the columns are not summed over.
DEVICE u64 described(u32 address) { return (u64)1 << 62 | (u64)(1024 >> 4) << 32 | (u64)(HALF_BYTES >> 4) << 16 | (address >> 4); }

#define FOUR(c, i) "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])
#define SIXTEEN(c, i) FOUR(c, i), FOUR(c, i + 1), FOUR(c, i + 2), FOUR(c, i + 3)
#define FIRST_32 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define SECOND_32 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"

// c[64 x 128] = or += a[64 x 16] * b[128 x 16] transposed
DEVICE void multiply_shared(float (&c)[16][4], u64 a, u64 b, int add) {
    asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %66, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" FIRST_32 ", " SECOND_32 "}, %64, %65, add, 1, 1, 0, 0;\n}"
        : SIXTEEN(c, 0), SIXTEEN(c, 4), SIXTEEN(c, 8), SIXTEEN(c, 12) : "l"(a), "l"(b), "r"(add));
}

// c[64 x 128 or 64] += a[64 x 16] * b[16 x 128 or 64]
DEVICE void multiply_weights(float (&c)[16][4], const u32 (&a)[4], u64 b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" FIRST_32 ", " SECOND_32 "}, {%64, %65, %66, %67}, %68, 1, 1, 1, 1;"
        : SIXTEEN(c, 0), SIXTEEN(c, 4), SIXTEEN(c, 8), SIXTEEN(c, 12) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
DEVICE void multiply_weights(float (&c)[8][4], const u32 (&a)[4], u64 b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" FIRST_32 "}, {%32, %33, %34, %35}, %36, 1, 1, 1, 1;"
        : SIXTEEN(c, 0), SIXTEEN(c, 4) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

DEVICE void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void end_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Until so many groups of products are left; these registers are then the program's again.
template <int left>
DEVICE void wait_for_products(float (&c)[16][4]) {
    asm volatile("wgmma.wait_group.sync.aligned %64;" : SIXTEEN(c, 0), SIXTEEN(c, 4), SIXTEEN(c, 8), SIXTEEN(c, 12) : "n"(left) : "memory");
}
template <int left>
DEVICE void wait_for_products(float (&c)[8][4]) {
    asm volatile("wgmma.wait_group.sync.aligned %32;" : SIXTEEN(c, 0), SIXTEEN(c, 4) : "n"(left) : "memory");
}

DEVICE void queue_scores(float (&scores)[KEYS / 8][4], u32 queries, u32 keys) {
#pragma unroll
    for (int step = 0; step < HEAD_DIM / 16; step++) {
        const u32 at = step / 4 * HALF_BYTES + step % 4 * 32;
        multiply_shared(scores, described(queries + at), described(keys + at), step > 0);
    }

    end_products();
}

DEVICE void queue_sums(float (&sums)[HEAD_DIM / 8][4], const u32 (&weights)[KEYS / 16][4], u32 values) {
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++) multiply_weights(sums, weights[step], described(values + step * 16 * 128));
    end_products();
}

// Keys of the turn that the thread's two rows do not see. nearest, farthest: columns between which the first row sees.
DEVICE void hide(float (&scores)[KEYS / 8][4], int farthest, int nearest) {
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int column = n * 8 + i % 2 - i / 2 * 8;
            if (column < farthest || column > nearest) scores[n][i] = HIDDEN_SCORE;
        }
}

// One turn of the running softmax over the thread's two rows: scores become weights; shrink: what older sums are worth.
DEVICE void soften(float (&scores)[KEYS / 8][4], float (&largest)[2], float (&totals)[2], float (&shrink)[2], float scale) {
    float offset[2];
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
        offset[h] = top == HIDDEN_SCORE ? 0.0f : top * scale;
    }

#pragma unroll
    for (int h = 0; h < 2; h++) {
        float parts[2] = {totals[h] * shrink[h], 0};
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 0; i < 2; i++) {
                scores[n][2 * h + i] = exp2_fast(scores[n][2 * h + i] * scale - offset[h]);
                parts[i] += scores[n][2 * h + i];
            }
        totals[h] = parts[0] + parts[1];
    }
}

// An accumulator has its numbers where a product's first factor wants them.
DEVICE void round_weights(u32 (&weights)[KEYS / 16][4], const float (&scores)[KEYS / 8][4]) {
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++)
#pragma unroll
        for (int i = 0; i < 4; i++) weights[step][i] = pack(scores[2 * step + i / 2][i % 2 * 2], scores[2 * step + i / 2][i % 2 * 2 + 1]);
}

// A block's tiles, of one head each: longer ones first, there and back over the blocks, so that all have about as much to do.
struct Work {
    Tile tile;
    int head, first_key, last_key;
    DEVICE static bool exists(int round, int count) { return round * (int)gridDim.x < count; }
    DEVICE bool take(int round, int count, const Tile* tiles, int heads, int reach) {
        const int item = round * gridDim.x + (round % 2 ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
        if (item >= count) return false;
        tile = tiles[item / heads];
        head = item % heads;
        first_key = max(0, tile.first_position - reach + 1);
        last_key = tile.first_position + tile.rows - 1;
        return true;
    }
    DEVICE int first() const { return first_key / KEYS; }
    DEVICE int last() const { return last_key / KEYS; }
};

// Shared memory: what Memory says, from a multiple of 1024 bytes on.
extern "C" __global__ void __launch_bounds__(THREADS, 1) attend_prefill_hopper(
    const u16* qkv, const u16* keys, const u16* values, u16* output, const Tile* tiles, const int* tables, const int* offsets,
    int tile_count, int heads, int kv_heads, int window, int block_size, int ring_blocks, float scale) {
    extern __shared__ __align__(1024) u8 dynamic[];
    const Memory memory = {((u32)__cvta_generic_to_shared(dynamic) + 1023) & ~1023u};
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
    if (group == 2) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
        const u32 first_row = warp * 32;
        Place place = {0, 1};
        int under_way = -1, queries_phase = 1;
        auto announce = [&]() {
            // Copies are ordinary writes, products read past them unless they are told.
            asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
            __syncwarp();
            if (lane == 0 && under_way >= 0) arrive(memory.filled(under_way));
        };
        auto fill = [&](const u16* from, int slot) {
            wait_for(memory.emptied(place.stage), place.phase);
            copy_rows(memory.stage(place.stage) + first_row * 128, from, slot, kv_heads * HEAD_DIM);
            asm volatile("cp.async.commit_group;\ncp.async.wait_group 1;" ::: "memory");
            announce();
            under_way = place.stage;
            place.advance();
        };

        for (int round = 0; Work::exists(round, count); round++) {
            if (!work.take(round, count, tiles, heads, reach)) break;
            const int* table = tables + offsets[work.tile.segment];
            auto slot_in = [&](int part) {
                const int key = part * KEYS + first_row + lane;
                return key >= work.first_key && key <= work.last_key ? slot_of(table, key, block_size, ring_blocks) : -1;
            };
            const u16* head_keys = keys + work.head / GROUP * HEAD_DIM;
            const u16* head_values = values + work.head / GROUP * HEAD_DIM;
            int slot = slot_in(work.first());

            // The queries come with the first keys.
            const int row = first_row + lane;
            wait_for(memory.queries_read(), queries_phase);
            queries_phase ^= 1;
            copy_rows(memory.queries + first_row * 128, qkv + (size_t)work.head * HEAD_DIM, row < work.tile.rows ? work.tile.first_row + row : -1, (heads + 2 * kv_heads) * HEAD_DIM);
            fill(head_keys, slot);
            for (int part = work.first() + 1; part <= work.last(); part++) {
                const int next_slot = slot_in(part);
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
        const u32 queries = memory.queries + group * 64 * 128;
        float scores[KEYS / 8][4];
        u32 weights[KEYS / 16][4];
        Place place = {0, 0};
        auto release = [&](u32 barrier) {
            if (lane == 0) arrive(barrier);
        };

        if (group == 1) give_turn(0);
        for (int round = 0; Work::exists(round, count); round++) {
            if (!work.take(round, count, tiles, heads, reach)) break;
            float sums[HEAD_DIM / 8][4] = {}, largest[2] = {HIDDEN_SCORE, HIDDEN_SCORE}, totals[2] = {}, shrink[2];
            const int first_query = work.tile.first_position + first_row;
            auto hide_unseen = [&](int part) {
                const int nearest = first_query - part * KEYS;  // of the warp's first row
                if (nearest < KEYS - 1 || nearest + 15 >= reach) hide(scores, nearest + g - 2 * t - reach + 1, nearest + g - 2 * t);
            };

            wait_for(memory.filled(place.stage), place.phase);
            begin_products();
            queue_scores(scores, queries, memory.stage(place.stage));
            wait_for_products<0>(scores);
            release(memory.emptied(place.stage));
            if (work.first() == work.last()) release(memory.queries_read());
            place.advance();
            hide_unseen(work.first());
            soften(scores, largest, totals, shrink, scale);
            round_weights(weights, scores);
            wait_for(memory.filled(place.stage), place.phase);

            for (int part = work.first() + 1; part <= work.last(); part++) {
                const int key_stage = place.stage;
                place.advance();
                await_turn(group);
                begin_products();
                queue_scores(scores, queries, memory.stage(key_stage));
                wait_for(memory.filled(place.stage), place.phase);
                queue_sums(sums, weights, memory.stage(place.stage));
                give_turn(1 - group);
                wait_for_products<1>(scores);
                release(memory.emptied(key_stage));
                if (part == work.last()) release(memory.queries_read());
                hide_unseen(part);
                soften(scores, largest, totals, shrink, scale);
                const int value_stage = place.stage;
                place.advance();
                wait_for(memory.filled(place.stage), place.phase);  // here it also keeps the compiler from putting the softmax behind the sums
                wait_for_products<0>(sums);
                release(memory.emptied(value_stage));
                round_weights(weights, scores);
#pragma unroll
                for (int d = 0; d < HEAD_DIM / 8; d++)
#pragma unroll
                    for (int i = 0; i < 4; i++) sums[d][i] *= shrink[i / 2];
            }

            begin_products();
            queue_sums(sums, weights, memory.stage(place.stage));
            wait_for_products<0>(sums);
            release(memory.emptied(place.stage));
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

        if (group == 0) await_turn(0);  // the other has opened it once more
    }
}
