// y = x * w^T for 9 to 64 rows: decode of many sequences, on Hopper alone (sm_90a). The weights are streamed once, through shared
// memory into the warpgroups' tensor core products.
//
// w: [rows, columns], x: [batch, columns], y: [batch, outputs], all bf16; columns a multiple of 32. outputs: rows; gated: half as
// many, a multiple of 8, silu(gate) * up of a gate row and its up row.
// Bytes: rows * columns * 2 from memory; beside them each block reads its columns of x from L2. On an H100 that reads 3.1 TB/s the
// projections of Mistral 7B take, in us for 16, 32 and 64 rows: qkv 18.1, 18.6, 19.3, out 12.3, 12.5, 13.0, gate up 78.7, 80.3,
// 83.4, down 40.2, 40.6, 40.9, head 89.2, 91.4, 91.8; that is 3.0 TB/s for the largest and 2.6 for the smallest.
//
// A tile is `height` rows of w, so many that there is one tile for every multiprocessor and nothing waits for a second round. Tiles
// that would be so low that they read more of x than of w are twice as high instead, and two blocks (a cluster) have half of the
// columns each: `splits`. They add their sums, so what a row becomes depends on the row and on `splits`, not on the batch.
//
// One warp copies slabs of 64 columns (128 bytes, swizzled as the products read them) into a ring of stages; each warpgroup
// multiplies 64 rows of a slab by the batch. The ring is all of the shared memory: the weights of its slabs are on their way before
// the inputs are there, which hides the kernel in front. Gated: slabs have 8 gate rows, their 8 up rows, and so on, so that a thread
// has both. What comes after the last product is in loops: code that runs once takes longer to fetch than to execute.

#define SLAB 64
#define ROW_BYTES (SLAB * 2)
#define MOST_STAGES 24
#define MOST_ROWS 256  // of a tile
#define LANES 32
#define GROUP_WARPS 4
#define MOST_THREADS (MOST_ROWS / 64 * GROUP_WARPS * LANES + LANES)
#define PITCH (MOST_ROWS + 4)  // of the sums: neither side's banks collide

struct __align__(64) TensorMap {
    u64 words[16];
};

struct Maps {
    TensorMap weights, inputs;
};

DEVICE void arrive(u32 barrier) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory"); }

DEVICE void wait_for_phase(u32 barrier, u32 parity) {
    u32 done = 0;
    while (!done)
        asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
            : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
}

DEVICE void copy_weights(u32 to, const TensorMap& from, int column, int row, u32 barrier) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%2, %3}], [%4], %5;"
        ::"r"(to), "l"(&from), "r"(column), "r"(row), "r"(barrier), "l"(read_once()) : "memory");
}

// The map's axes: columns, 8 rows, gate or up, eights of rows.
DEVICE void copy_gated_weights(u32 to, const TensorMap& from, int column, int row, u32 barrier) {
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%2, %3, %3, %4}], [%5], %6;"
        ::"r"(to), "l"(&from), "r"(column), "r"(0), "r"(row / 8), "r"(barrier), "l"(read_once()) : "memory");
}

DEVICE void copy_inputs(u32 to, const TensorMap& from, int column, u32 barrier) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
        ::"r"(to), "l"(&from), "r"(column), "r"(0), "r"(barrier) : "memory");
}

// A matrix of 64 columns as the products take it: groups of 8 rows behind one another, swizzled over 128 bytes.
DEVICE u64 matrix_at(u32 address) { return (u64)1 << 62 | (u64)(8 * ROW_BYTES / 16) << 32 | (u64)1 << 16 | (address & 0x3ffff) >> 4; }

template <int UNDER_WAY>
DEVICE void wait_for_products() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(UNDER_WAY) : "memory"); }

// sums[64 x N] += a[64 x 16] * b[N x 16]^T
#define PRODUCT(n, sums, a, b)                                                                                                \
    "{\n.reg .pred p;\nsetp.eq.u32 p, 0, 0;\nwgmma.mma_async.sync.aligned.m64n" n "k16.f32.bf16.bf16 {" sums "}, " a ", " b ", p, 1, 1, 0, 0;\n}"
#define FOUR_OF(c, i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3])
#define SIXTEEN_OF(c, i) FOUR_OF(c, i), FOUR_OF(c, i + 4), FOUR_OF(c, i + 8), FOUR_OF(c, i + 12)

DEVICE void multiply(float (&c)[8], u64 a, u64 b) {
    asm volatile(PRODUCT("16", "%0, %1, %2, %3, %4, %5, %6, %7", "%8", "%9") : FOUR_OF(c, 0), FOUR_OF(c, 4) : "l"(a), "l"(b));
}

DEVICE void multiply(float (&c)[16], u64 a, u64 b) {
    asm volatile(PRODUCT("32", "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15", "%16", "%17") : SIXTEEN_OF(c, 0) : "l"(a), "l"(b));
}

DEVICE void multiply(float (&c)[32], u64 a, u64 b) {
    asm volatile(PRODUCT("64", "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "
        "%26, %27, %28, %29, %30, %31", "%32", "%33") : SIXTEEN_OF(c, 0), SIXTEEN_OF(c, 16) : "l"(a), "l"(b));
}

// The two blocks of a cluster: each says once that it is there.
DEVICE void say_ready() { asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory"); }
DEVICE void wait_for_other() { asm volatile("barrier.cluster.wait.aligned;" ::: "memory"); }

// Four floats to the same place in the shared memory of a block of the cluster, counted by its barrier.
DEVICE void send(u32 rank, u32 to, u32 barrier, float a, float b, float c, float d) {
    asm volatile("{\n.reg .u32 there, counter;\nmapa.shared::cluster.u32 there, %0, %2;\nmapa.shared::cluster.u32 counter, %1, %2;\n"
        "st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [there], {%3, %4, %5, %6}, [counter];\n}"
        ::"r"(to), "r"(barrier), "r"(rank), "f"(a), "f"(b), "f"(c), "f"(d) : "memory");
}

DEVICE float4 load_shared(u32 from) {
    float4 v;
    asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "r"(from) : "memory");
    return v;
}

DEVICE float2 load_pair(u32 from) {
    float2 v;
    asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(from) : "memory");
    return v;
}

// Two blocks with half of the columns of w each send one another half of their sums. The sums for x's rows of this block, in front.
template <int N>
DEVICE void add_other_split(float (&sums)[N / 2], int split, u32 received, u32 barrier, int threads) {
    const u32 mine = received + threadIdx.x * 16;
    wait_for_other();
#pragma unroll
    for (int i = 0; i < N / 4; i += 4) {
        float out[4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const float first = sums[i + j], second = sums[N / 4 + i + j];
            out[j] = split == 0 ? second : first;
            sums[i + j] = split == 0 ? first : second;
        }

        send(split ^ 1, mine + i * threads * 4, barrier, out[0], out[1], out[2], out[3]);
    }

    wait_for_phase(barrier, 0);
#pragma unroll
    for (int i = 0; i < N / 4; i += 4) {
        const float4 other = load_shared(mine + i * threads * 4);
        sums[i] += other.x;
        sums[i + 1] += other.y;
        sums[i + 2] += other.z;
        sums[i + 3] += other.w;
    }
}

// N: columns of a product, at least the batch. slabs: of all columns. Threads: a warpgroup for every 64 rows of a tile, and a warp
// for the copies.
template <int N, bool GATED>
DEVICE void wide_linear(const Maps& maps, u16* y, int outputs, int slabs, int batch, int height, int splits, int stages) {
    extern __shared__ u8 memory[];
    __shared__ u64 full[MOST_STAGES], empty[MOST_STAGES], exchange;
    const int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES, copying = blockDim.x / LANES - 1;
    const u32 ring = (shared_address(memory) + 1023) & ~1023u, x_at = height * ROW_BYTES, stage_bytes = x_at + N * ROW_BYTES;
    const int rows = GATED ? height / 2 : height, first_output = blockIdx.x / splits * rows;
    const int split = blockIdx.x % splits, first_slab = slabs * split / splits, count = slabs * (split + 1) / splits - first_slab;
    if (warp == copying) {
        auto fetch_weights = [&](int i, int stage) {
            const u32 to = ring + stage * stage_bytes, barrier = shared_address(full + stage);
            expect(barrier, stage_bytes);
            if (GATED) {
                copy_gated_weights(to, maps.weights, (first_slab + i) * SLAB, first_output, barrier);
            } else {
                copy_weights(to, maps.weights, (first_slab + i) * SLAB, first_output, barrier);
            }
        };
        auto fetch_inputs = [&](int i, int stage) {
            copy_inputs(ring + stage * stage_bytes + x_at, maps.inputs, (first_slab + i) * SLAB, shared_address(full + stage));
        };
        if (lane < stages) {
            make_barrier(shared_address(full + lane), 1);
            make_barrier(shared_address(empty + lane), copying);
        } else if (lane == MOST_STAGES) {
            make_barrier(shared_address(&exchange), 1);
        }

        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
        __syncwarp();
        const int early = min(stages, count);
        if (lane == 0) {
            for (int i = 0; i < early; i++) fetch_weights(i, i);
            asm volatile("prefetch.tensormap [%0];" ::"l"(&maps.inputs) : "memory");
        }

        __syncthreads();
        if (splits > 1) say_ready();
        if (lane == 0) {
            if (splits > 1) expect(shared_address(&exchange), copying * LANES * N);
            wait_for_inputs();
            let_next_start();
            for (int i = 0; i < early; i++) fetch_inputs(i, i);
            for (int i = early, stage = 0, parity = 0; i < count; i++) {
                wait_for_phase(shared_address(empty + stage), parity);
                fetch_weights(i, stage);
                fetch_inputs(i, stage);
                if (++stage == stages) {
                    stage = 0;
                    parity ^= 1;
                }
            }
        }

        __syncwarp();
        if (splits > 1) wait_for_other();
        return;
    }

    __syncthreads();
    if (splits > 1) say_ready();
    float sums[N / 2] = {};
    for (int i = 0, stage = 0, parity = 0, before = 0; i < count; i++) {
        const u32 at = ring + stage * stage_bytes;
        const u64 a = matrix_at(at + warp / GROUP_WARPS * 64 * ROW_BYTES), b = matrix_at(at + x_at);
        wait_for_phase(shared_address(full + stage), parity);
        begin_products();
#pragma unroll
        for (int k = 0; k < SLAB / 16; k++) multiply(sums, a + k * 2, b + k * 2);
        end_products();
        wait_for_products<1>();
        if (lane == 0 && i > 0) arrive(shared_address(empty + before));
        before = stage;
        if (++stage == stages) {
            stage = 0;
            parity ^= 1;
        }
    }

    wait_for_products<0>();
    const u32 received = ring + stages * stage_bytes;
    if (splits > 1) add_other_split<N>(sums, split, received, shared_address(&exchange), copying * LANES);

    // All of the ring is read: it takes the sums, [batch][rows].
    asm volatile("bar.sync 1, %0;" ::"r"(copying * LANES) : "memory");
    const u32 mine = ring + (lane % 4 * 2 * PITCH + warp * 16 + lane / 4) * 4;
#pragma unroll
    for (int i = 0; i < N / 2; i++) {
        const u32 to = mine + ((i / 4 * 8 + i % 2) * PITCH + i / 2 % 2 * 8) * 4;
        asm volatile("st.shared.f32 [%0], %1;" ::"r"(to), "f"(sums[i]) : "memory");
    }

    asm volatile("bar.sync 1, %0;" ::"r"(copying * LANES) : "memory");
    const int first_column = split * (N / 2), end = min(batch - first_column, N / splits);
    for (int row = lane * 2; row < rows; row += LANES * 2) {
        const int left = outputs - first_output - row;
#pragma unroll(GATED ? 1 : 4)
        for (int column = warp; column < end; column += copying) {
            const u32 from = ring + (column * PITCH + (GATED ? row / 8 * 16 + row % 8 : row)) * 4;
            float2 sum = load_pair(from);
            if (GATED) {
                const float2 up = load_pair(from + 8 * 4);
                sum = make_float2(gated(sum.x, up.x), gated(sum.y, up.y));
            }

            u16* to = y + (size_t)(first_column + column) * outputs + first_output + row;
            if (outputs % 2 == 0) {
                if (left > 0) *(u32*)to = pack(sum.x, sum.y);
            } else {
                if (left > 0) to[0] = to_bf16(sum.x);
                if (left > 1) to[1] = to_bf16(sum.y);
            }
        }
    }
}

#define WIDE_LINEAR(name, n, gated)                                                                                           \
    extern "C" __global__ void __launch_bounds__(MOST_THREADS, 1) name(                                                       \
        u16* y, int outputs, int slabs, int batch, int height, int splits, int stages, const __grid_constant__ Maps maps) {   \
        wide_linear<n, gated>(maps, y, outputs, slabs, batch, height, splits, stages);                                        \
    }

WIDE_LINEAR(wide_linear_16, 16, false)
WIDE_LINEAR(wide_linear_32, 32, false)
WIDE_LINEAR(wide_linear_64, 64, false)
WIDE_LINEAR(wide_gated_16, 16, true)
WIDE_LINEAR(wide_gated_32, 32, true)
WIDE_LINEAR(wide_gated_64, 64, true)
