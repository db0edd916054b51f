// The experts' products for many rows on Hopper, with instructions that compute capability 9.0 alone has. Rows lie sorted by expert
// (routing.cu); how many each expert has is read here, so that the host need not know.
//
// Two blocks, a cluster, compute for one tile of rows at a time, up to MANY rows of an expert, and WEIGHTS rows of its weight each:
// output[rows x 2 * WEIGHTS] = rows * weights. The weight is the first factor and the rows are the second, whose size may be any
// multiple of 32: few rows are little work, and a weight is read once for all of them. The copy engine brings both in stages of STEP
// columns; each block asks for weights of its own, and for half of the rows, which go to both. One thread of the third warpgroup does
// so, and runs ahead into the next tile; the other two warpgroups compute for 64 rows of the weight each. Where no expert can have
// more than FEW rows, decode that is, the stages are smaller and twice as many.
//
// Gate and up come interleaved, 8 rows of one and 8 of the other, so that a thread has both sums of an output element.
//
// Work: 2 * visits * columns * weight rows operations; bytes: each expert's weight once, while its tiles of rows are worked on
// together. A row's bits depend on nothing but the row.
//
// Reached for both products of 8 experts of 4096 x 14336, two for each token, routing included: on an H200 (4.2 TB/s) 673 us for 16
// tokens and 682 for 64, 4.1 TB/s, and 716 for 128. On an H100 (3.1 TB/s), gathering included, 0.98 ms for 128 tokens and 1.03 for
// 512; 1.70 for 1024; 2.73 for 2048; 4.58 for 4096, 630 TFLOP/s. A cuBLAS product for each expert takes 1.18, 1.32, 1.52, 2.66 and
// 4.88 ms there. A step takes as long as its weights take to come, however narrow the tile, so that experts with a few rows more
// than MANY do badly: that is what costs at 1024 and 2048.

#define WEIGHTS 128
#define MANY 256  // rows of a tile at most, in 4 stages
#define FEW 64    // the same in 8
#define STEP 64
#define THREADS 384
#define LINE_BYTES (STEP * 2)
#define WEIGHT_BYTES (WEIGHTS * LINE_BYTES)
#define BOX 32  // rows that the copy engine brings at a time
#define COMPUTING_WARPS 8

// Tensor maps of the weights, [experts][groups of 8 outputs][gate, up or 8 more][8][columns], and the rows, as the driver writes them.
struct __align__(64) Maps { u64 weights[16], rows[16]; };

template <int MOST_ROWS>
struct Memory {
    static constexpr int STAGES = MOST_ROWS == FEW ? 8 : 4, STAGE_BYTES = WEIGHT_BYTES + MOST_ROWS * LINE_BYTES;
    u32 stages;
    DEVICE u32 weights(int i) const { return stages + i * STAGE_BYTES; }
    DEVICE u32 rows(int i) const { return stages + i * STAGE_BYTES + WEIGHT_BYTES; }
    DEVICE u32 filled(int i) const { return stages + STAGES * STAGE_BYTES + i * 8; }
    DEVICE u32 emptied(int i) const { return stages + STAGES * STAGE_BYTES + (STAGES + i) * 8; }
};

// Experts with the widest tiles first. An expert's tiles are equally wide except the last; items: tiles of rows and of weights before it.
struct Plan { int expert[32], first_row[32], rows[32], width[32], tiles[32], items[33]; };

// By one warp.
template <int MOST_ROWS>
DEVICE void make_plan(Plan& plan, const int* offsets, int weight_pairs) {
    const int lane = threadIdx.x;
    const int first = lane < EXPERTS ? offsets[lane] : 0, rows = lane < EXPERTS ? offsets[lane + 1] - first : 0;
    const int tiles = divide_up(rows, MOST_ROWS), width = tiles ? divide_up(divide_up(rows, tiles), BOX) * BOX : 0;
    int place = 0, items = 0;
    for (int other = 0; other < 32; other++) {
        const int its_width = __shfl_sync(0xffffffffu, width, other), its_tiles = __shfl_sync(0xffffffffu, tiles, other);
        const bool earlier = its_width > width || its_width == width && other < lane;
        place += earlier;
        items += earlier ? its_tiles * weight_pairs : 0;
    }

    plan.expert[place] = lane;
    plan.first_row[place] = first;
    plan.rows[place] = rows;
    plan.width[place] = width;
    plan.tiles[place] = tiles;
    plan.items[place] = items;
    if (place == 31) plan.items[32] = items + tiles * weight_pairs;
}

// What a cluster does one after the other. All tiles of rows with the same weights come together, so that L2 has them. The order goes
// there and back over the clusters, so that with wider tiles first all have about as much to do.
struct Work {
    int expert, pair, first_row, rows;
    DEVICE bool take(int round, const Plan& plan) {
        const int clusters = gridDim.x / 2, cluster = blockIdx.x / 2;
        const int item = round * clusters + (round % 2 ? clusters - 1 - cluster : cluster);
        if (item >= plan.items[32]) return false;
        int i = 0;
        while (plan.items[i + 1] <= item) i++;
        const int within = item - plan.items[i], before = within % plan.tiles[i] * plan.width[i];
        expert = plan.expert[i];
        pair = within / plan.tiles[i];
        first_row = plan.first_row[i] + before;
        rows = min(plan.width[i], plan.rows[i] - before);
        return true;
    }
    DEVICE int boxes() const { return divide_up(rows, BOX); }
    DEVICE int weight_tile() const { return pair * 2 + blockIdx.x % 2; }
};

// At the barriers of both blocks. Nothing was written that the other would have to see: a release for the cluster would cost 0.4 us a step.
DEVICE void arrive_at_both(u32 barrier) {
    __syncwarp();
    if (threadIdx.x % 32 < 2)
        asm volatile("{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\nmbarrier.arrive.shared::cluster.b64 _, [there];\n}" ::"r"(barrier), "r"(threadIdx.x % 32) : "memory");
}

DEVICE void wait_for_cluster() { asm volatile("barrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;" ::: "memory"); }

// once: nobody reads them again.
template <bool once>
DEVICE void copy_weights(u32 to, const u64* map, int column, int tile, int expert, u32 barrier) {
    if (once) {
        asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%2, %3, %3, %4, %5}], [%6], %7;"
            ::"r"(to), "l"(map), "r"(column), "r"(0), "r"(tile * (WEIGHTS / 16)), "r"(expert), "r"(barrier), "l"(read_once()) : "memory");
    } else {
        asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %3, %4, %5}], [%6];"
            ::"r"(to), "l"(map), "r"(column), "r"(0), "r"(tile * (WEIGHTS / 16)), "r"(expert), "r"(barrier) : "memory");
    }
}

// To the same place in both blocks; each block's own barrier is told.
DEVICE void copy_rows_to_both(u32 to, const u64* map, int column, int row, u32 barrier) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;"
        ::"r"(to), "l"(map), "r"(column), "r"(row), "r"(barrier), "h"((u16)3) : "memory");
}

#define NAMES_16 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define NAMES_32 NAMES_16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define NAMES_48 NAMES_32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define NAMES_64 NAMES_48 ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define NAMES_80 NAMES_64 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define NAMES_96 NAMES_80 ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define NAMES_112 NAMES_96 ", %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"
#define NAMES_128 NAMES_112 ", %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define SUMS_16(c) SIXTEEN(c, 0)
#define SUMS_32(c) SUMS_16(c), SIXTEEN(c, 4)
#define SUMS_48(c) SUMS_32(c), SIXTEEN(c, 8)
#define SUMS_64(c) SUMS_48(c), SIXTEEN(c, 12)
#define SUMS_80(c) SUMS_64(c), SIXTEEN(c, 16)
#define SUMS_96(c) SUMS_80(c), SIXTEEN(c, 20)
#define SUMS_112(c) SUMS_96(c), SIXTEEN(c, 24)
#define SUMS_128(c) SUMS_112(c), SIXTEEN(c, 28)

// multiply: c[64 x width] += a[64 x 16] * b[width x 16], b's rows as columns.
// wait_for_products: until so many of the products that were begun last are left; c is the program's again.
#define WIDTH(width, floats, a, b)                                                                                                         \
    DEVICE void multiply(float (&c)[width / 8][4], u64 weights, u64 rows) {                                                                \
        asm volatile("wgmma.mma_async.sync.aligned.m64n" #width "k16.f32.bf16.bf16 {" NAMES_##floats "}, %" #a ", %" #b ", 1, 1, 1, 0, 0;" \
            : SUMS_##floats(c) : "l"(weights), "l"(rows));                                                                                 \
    }                                                                                                                                      \
    template <int left>                                                                                                                    \
    DEVICE void wait_for_products(float (&c)[width / 8][4]) {                                                                              \
        asm volatile("wgmma.wait_group.sync.aligned %" #floats ";" : SUMS_##floats(c) : "n"(left) : "memory");                             \
    }
WIDTH(32, 16, 16, 17)
WIDTH(64, 32, 32, 33)
WIDTH(96, 48, 48, 49)
WIDTH(128, 64, 64, 65)
WIDTH(160, 80, 80, 81)
WIDTH(192, 96, 96, 97)
WIDTH(224, 112, 112, 113)
WIDTH(256, 128, 128, 129)

// Of a matrix of 8 x 8, of which a thread has two elements of a row.
DEVICE u32 transposed(u32 pair) {
    u32 result;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(pair));
    return result;
}

// As gated in common.cuh, with quick instructions inside: what they change is mostly rounded away.
DEVICE float quickly_gated(float gate, float up) { return rounded(__fdividef(rounded(gate), 1.0f + __expf(-rounded(gate)))) * rounded(up); }

// A warp has 16 rows of the weight, and a thread, of each 8 rows of input, two: for the weight's row lane / 4, and for 8 further.
template <bool with_gate, int width, typename Memory, typename Place>
DEVICE void multiply_tile(const Memory& memory, Place& place, const Work& work, u16* output, int outputs, int columns) {
    const int group = threadIdx.x / 128, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float sums[width / 8][4] = {};
    int before = -1;
    for (int column = 0; column < columns; column += STEP) {
        wait_for(memory.filled(place.stage), place.phase);
        begin_products();
#pragma unroll
        for (int step = 0; step < STEP / 16; step++)
            multiply(sums, described(memory.weights(place.stage) + group * (WEIGHT_BYTES / 2) + step * 32), described(memory.rows(place.stage) + step * 32));
        end_products();
        wait_for_products<1>(sums);
        if (before >= 0) arrive_at_both(memory.emptied(before));
        before = place.stage;
        place.advance();
    }

    wait_for_products<0>(sums);
    arrive_at_both(memory.emptied(before));
    const int first = with_gate ? work.weight_tile() * (WEIGHTS / 2) + warp * 8 : work.weight_tile() * WEIGHTS + warp * 16;
    if (first >= outputs) return;
    u16* to = output + (size_t)(work.first_row + lane / 4) * outputs + first + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < width / 8; n++) {
        float(&c)[4] = sums[n];
        const u32 upper = transposed(with_gate ? pack(quickly_gated(c[0], c[2]), quickly_gated(c[1], c[3])) : pack(c[0], c[1]));
        const u32 lower = with_gate ? 0 : transposed(pack(c[2], c[3]));
        if (n * 8 + lane / 4 < work.rows) {
            *(u32*)(to + (size_t)n * 8 * outputs) = upper;
            if (!with_gate) *(u32*)(to + (size_t)n * 8 * outputs + 8) = lower;
        }
    }
}

// The tile's width is known to the products only while they are compiled: boxes and fewer.
template <bool with_gate, int boxes, typename Memory, typename Place>
DEVICE void multiply_boxes(const Memory& memory, Place& place, const Work& work, u16* output, int outputs, int columns) {
    if constexpr (boxes > 0) {
        if (work.boxes() == boxes) {
            multiply_tile<with_gate, boxes * BOX>(memory, place, work, output, outputs, columns);
        } else {
            multiply_boxes<with_gate, boxes - 1>(memory, place, work, output, outputs, columns);
        }
    }
}

// outputs: the output's columns; columns: those that are summed over. Shared memory: what Memory says, from a multiple of 1024 bytes on.
template <bool with_gate, int MOST_ROWS>
DEVICE void multiply_experts(const int* offsets, u16* output, int outputs, int columns, const Maps& maps) {
    extern __shared__ __align__(1024) u8 dynamic[];
    __shared__ Plan plan;
    constexpr int STAGES = Memory<MOST_ROWS>::STAGES;
    const Memory<MOST_ROWS> memory = {(shared_address(dynamic) + 1023) & ~1023u};
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            make_barrier(memory.filled(i), 1);
            make_barrier(memory.emptied(i), 2 * COMPUTING_WARPS);
        }

        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }

    wait_for_cluster();
    wait_for_inputs();
    let_next_start();
    if (threadIdx.x < 32) make_plan<MOST_ROWS>(plan, offsets, divide_up(outputs, with_gate ? WEIGHTS : 2 * WEIGHTS));
    __syncthreads();
    Work work;

    // Every thread begins with 168 registers; those who copy leave most of theirs to those who compute.
    if (threadIdx.x >= 256) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
        if (threadIdx.x == 256) {
            Place<STAGES> place = {0, 1};
            for (int round = 0; work.take(round, plan); round++)
                for (int column = 0; column < columns; column += STEP) {
                    const u32 filled = memory.filled(place.stage);
                    wait_for(memory.emptied(place.stage), place.phase);
                    expect(filled, WEIGHT_BYTES + work.boxes() * BOX * LINE_BYTES);
                    copy_weights<MOST_ROWS == FEW>(memory.weights(place.stage), maps.weights, column, work.weight_tile(), work.expert, filled);
                    for (int box = blockIdx.x % 2; box < work.boxes(); box += 2)
                        copy_rows_to_both(memory.rows(place.stage) + box * BOX * LINE_BYTES, maps.rows, column, work.first_row + box * BOX, filled);
                    place.advance();
                }
        }
    } else {
        asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
        Place<STAGES> place = {0, 0};
        for (int round = 0; work.take(round, plan); round++) {
            multiply_boxes<with_gate, MOST_ROWS / BOX>(memory, place, work, output, outputs, columns);
        }
    }

    wait_for_cluster();  // the other block may still write to this one's shared memory
}

#define EXPERTS_KERNEL(name, with_gate, most_rows)                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS, 1) __cluster_dims__(2, 1, 1)                                        \
        name(const int* offsets, u16* output, int outputs, int columns, const __grid_constant__ Maps maps) {                  \
        multiply_experts<with_gate, most_rows>(offsets, output, outputs, columns, maps);                                      \
    }

EXPERTS_KERNEL(multiply_experts_few, false, FEW)
EXPERTS_KERNEL(multiply_experts_many, false, MANY)
EXPERTS_KERNEL(multiply_gated_experts_few, true, FEW)
EXPERTS_KERNEL(multiply_gated_experts_many, true, MANY)
