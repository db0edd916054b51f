// y = x * w^T for few rows: decode. The weights are streamed once, straight into tensor core fragments.
//
// w: [rows, columns], x: [batch, columns], y: [batch, rows], all bf16; columns a multiple of 32.
// Bytes: rows * columns * 2; everything else is small beside it.
//
// The weights are the left operand of mma m16n8k16, the batch is its 8 columns wide right one. The order of the k index within
// a product is free as long as both operands agree, so a thread takes 16 neighbouring bytes of a row as the elements that it
// has to hold for two products: no shared memory, no shuffles. The 8 warps of a block share the k axis in turns of 32 elements
// and their sums are added in warp order. So what a row becomes depends on nothing but the row, whatever the batch.
//
// Gated: rows g and g + 8 of a tile are a gate row and its up row, and silu(gate) * up leaves instead of the two.
// Up to 8 rows this is at 3.9 to 4.2 of an H200's 4.2 TB/s for the projections of Mistral 7B (qkv 12.8 us, out 9.1, gate up 55.6,
// down 28.3); beyond, wide_linear.cu or cuBLAS is the faster one and is taken. Small grids that need three blocks a multiprocessor
// get a variant with fewer registers.
//
// A single row: every block normalises the residual row for itself, on the way of its first weights, and projections that
// end a half of a layer add to the residual in place. That leaves out a kernel before and after.
//
// Experts: one layer of blocks per expert; the rows of x that visit it are listed, sorted by expert (routing.cu).

#define WARPS 8
#define LANES 32

template <int M_TILES, int SLABS>
DEVICE void load_weights(uint4 (&into)[SLABS][M_TILES][2], const u16* const (&w)[M_TILES][2], int slab, int slabs) {
#pragma unroll
    for (int s = 0; s < SLABS; s++)
#pragma unroll
        for (int m = 0; m < M_TILES; m++)
#pragma unroll
            for (int h = 0; h < 2; h++)
                into[s][m][h] = slab + s * WARPS < slabs ? load_stream(w[m][h] + (size_t)(slab + s * WARPS) * 32) : make_uint4(0, 0, 0, 0);
}

// Sums over this warp's share of k; x[j] is the row of x that this lane feeds for batch tile j, or null.
template <int N_TILES, int M_TILES, int SLABS>
DEVICE void accumulate(float (&sums)[M_TILES][N_TILES][4], uint4 (&next)[SLABS][M_TILES][2], const u16* const (&w)[M_TILES][2], const u16* const (&x)[N_TILES], int slabs) {
    for (int slab = threadIdx.x / LANES; slab < slabs; slab += SLABS * WARPS) {
        uint4 now[SLABS][M_TILES][2];
#pragma unroll
        for (int s = 0; s < SLABS; s++)
#pragma unroll
            for (int m = 0; m < M_TILES; m++) {
                now[s][m][0] = next[s][m][0];
                now[s][m][1] = next[s][m][1];
            }

        load_weights(next, w, slab + SLABS * WARPS, slabs);
#pragma unroll
        for (int s = 0; s < SLABS; s++) {
            uint4 b[N_TILES];
#pragma unroll
            for (int j = 0; j < N_TILES; j++)
                b[j] = x[j] && slab + s * WARPS < slabs ? load16(x[j] + (size_t)(slab + s * WARPS) * 32) : make_uint4(0, 0, 0, 0);
#pragma unroll
            for (int m = 0; m < M_TILES; m++)
#pragma unroll
                for (int j = 0; j < N_TILES; j++) {
                    multiply_add(sums[m][j], now[s][m][0].x, now[s][m][1].x, now[s][m][0].y, now[s][m][1].y, b[j].x, b[j].y);
                    multiply_add(sums[m][j], now[s][m][0].z, now[s][m][1].z, now[s][m][0].w, now[s][m][1].w, b[j].z, b[j].w);
                }
        }
    }
}

// Adds the warps' sums in order and stores count rows of y, or adds them to what is there.
template <int N_TILES, int M_TILES, bool GATED, bool ADDS = false>
DEVICE void reduce_and_store(const float (&sums)[M_TILES][N_TILES][4], u16* y, int outputs, int first_output, int count) {
    constexpr int PITCH = N_TILES * 8 + 1, ROWS = M_TILES * 16;
    __shared__ float parts[WARPS][ROWS * PITCH];
    const int warp = threadIdx.x / LANES, g = threadIdx.x % LANES / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int m = 0; m < M_TILES; m++)
#pragma unroll
        for (int j = 0; j < N_TILES; j++)
#pragma unroll
            for (int i = 0; i < 4; i++) parts[warp][(m * 16 + g + i / 2 * 8) * PITCH + j * 8 + 2 * t + i % 2] = sums[m][j][i];
    __syncthreads();
    constexpr int WIDTH = GATED ? ROWS / 2 : ROWS;
    for (int i = threadIdx.x; i < WIDTH * N_TILES * 8; i += WARPS * LANES) {
        const int output = i % WIDTH, row = i / WIDTH;
        if (row < count && first_output + output < outputs) {
            const int at_row = GATED ? output / 8 * 16 + output % 8 : output;
            float sum = 0, up = 0;
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                sum += parts[w][at_row * PITCH + row];
                if (GATED) up += parts[w][(at_row + 8) * PITCH + row];
            }

            u16* to = y + (size_t)row * outputs + first_output + output;
            *to = to_bf16(GATED ? gated(sum, up) : ADDS ? to_float(*to) + rounded(sum) : sum);
        }
    }

    __syncthreads();
}

template <int M_TILES, bool GATED>
DEVICE void point_at_weights(const u16* (&w)[M_TILES][2], const u16* weights, int first_output, int rows, int columns) {
    const int g = threadIdx.x % LANES / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int m = 0; m < M_TILES; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const int last = GATED ? rows / 2 - 1 : rows - 1;  // beyond it: computed again, not stored
            const int row = GATED ? min(first_output + m * 8 + g, last) + h * (rows / 2) : min(first_output + m * 16 + h * 8 + g, last);
            w[m][h] = weights + (size_t)row * columns + t * 8;
        }
}

template <int N_TILES, int M_TILES, int SLABS, bool GATED, bool ADDS = false>
DEVICE void linear(const u16* weights, const u16* x, u16* y, int rows, int columns, int batch) {
    const u16* w[M_TILES][2];
    const u16* from[N_TILES];
    float sums[M_TILES][N_TILES][4] = {};
    uint4 next[SLABS][M_TILES][2];
    const int first_output = blockIdx.x * M_TILES * (GATED ? 8 : 16), g = threadIdx.x % LANES / 4, t = threadIdx.x % 4;
    point_at_weights<M_TILES, GATED>(w, weights, first_output, rows, columns);
    load_weights(next, w, threadIdx.x / LANES, columns / 32);
#pragma unroll
    for (int j = 0; j < N_TILES; j++) from[j] = j * 8 + g < batch ? x + (size_t)(j * 8 + g) * columns + t * 8 : nullptr;
    wait_for_inputs();
    let_next_start();
    accumulate(sums, next, w, from, columns / 32);
    reduce_and_store<N_TILES, M_TILES, GATED, ADDS>(sums, y, GATED ? rows / 2 : rows, first_output, batch);
}

// The residual row, normalised, to shared memory; the same bits as normalize.cu, whose threads are taken on in turns here.
DEVICE void normalize_row(u16 (&x)[HIDDEN], const u16* residual, const u16* norm, float epsilon) {
    constexpr int TURNS = NORM_THREADS / (WARPS * LANES);
    __shared__ float warp_sums[NORM_THREADS / 32];
    uint4 values[TURNS][NORM_VECTORS], weights[TURNS][NORM_VECTORS];
#pragma unroll
    for (int k = 0; k < TURNS; k++)
#pragma unroll
        for (int v = 0; v < NORM_VECTORS; v++) {
            const int i = (v * NORM_THREADS + k * WARPS * LANES + threadIdx.x) * 8;
            weights[k][v] = i < HIDDEN ? load16(norm + i) : make_uint4(0, 0, 0, 0);
        }

    wait_for_inputs();
    let_next_start();
#pragma unroll
    for (int k = 0; k < TURNS; k++) {
        float squares = 0;
#pragma unroll
        for (int v = 0; v < NORM_VECTORS; v++) {
            const int i = (v * NORM_THREADS + k * WARPS * LANES + threadIdx.x) * 8;
            values[k][v] = i < HIDDEN ? load16(residual + i) : make_uint4(0, 0, 0, 0);
            if (i < HIDDEN) squares = add_squares(squares, values[k][v]);
        }

        squares = warp_sum(squares);
        if (threadIdx.x % LANES == 0) warp_sums[k * WARPS + threadIdx.x / LANES] = squares;
    }

    __syncthreads();
    const float scale = norm_scale(warp_sums, epsilon);
#pragma unroll
    for (int k = 0; k < TURNS; k++)
#pragma unroll
        for (int v = 0; v < NORM_VECTORS; v++) {
            const int i = (v * NORM_THREADS + k * WARPS * LANES + threadIdx.x) * 8;
            if (i < HIDDEN) *(uint4*)(x + i) = normalized(values[k][v], weights[k][v], scale);
        }

    __syncthreads();
}

template <bool GATED>
DEVICE void normalized_linear(const u16* weights, const u16* residual, const u16* norm, u16* y, int rows, float epsilon) {
    __shared__ __align__(16) u16 x[HIDDEN];
    const u16* w[1][2];
    float sums[1][1][4] = {};
    uint4 next[4][1][2];
    const int first_output = blockIdx.x * (GATED ? 8 : 16), g = threadIdx.x % LANES / 4, t = threadIdx.x % 4;
    point_at_weights<1, GATED>(w, weights, first_output, rows, HIDDEN);
    load_weights(next, w, threadIdx.x / LANES, HIDDEN / 32);
    normalize_row(x, residual, norm, epsilon);
    const u16* const from[1] = {g == 0 ? x + t * 8 : nullptr};
    accumulate(sums, next, w, from, HIDDEN / 32);
    reduce_and_store<1, 1, GATED>(sums, y, GATED ? rows / 2 : rows, first_output, 1);
}

// x_rows: which row of x each visit takes (null: visit i takes row i); offsets: [experts + 1] first visit of each expert.
template <int N_TILES, int M_TILES, int SLABS, bool GATED>
DEVICE void experts(const u16* weights, const u16* x, u16* y, int rows, int columns, const int* offsets, const int* x_rows) {
    const int g = threadIdx.x % LANES / 4, t = threadIdx.x % 4;
    wait_for_inputs();
    let_next_start();
    const int begin = offsets[blockIdx.y], end = offsets[blockIdx.y + 1];
    if (begin == end) return;
    const u16* w[M_TILES][2];
    const int first_output = blockIdx.x * M_TILES * (GATED ? 8 : 16);
    point_at_weights<M_TILES, GATED>(w, weights + (size_t)blockIdx.y * rows * columns, first_output, rows, columns);
    for (int first = begin; first < end; first += N_TILES * 8) {
        const u16* from[N_TILES];
        float sums[M_TILES][N_TILES][4] = {};
        uint4 next[SLABS][M_TILES][2];
        load_weights(next, w, threadIdx.x / LANES, columns / 32);
#pragma unroll
        for (int j = 0; j < N_TILES; j++) {
            const int visit = first + j * 8 + g;
            from[j] = visit < end ? x + (size_t)(x_rows ? x_rows[visit] : visit) * columns + t * 8 : nullptr;
        }

        accumulate(sums, next, w, from, columns / 32);
        const int outputs = GATED ? rows / 2 : rows;
        reduce_and_store<N_TILES, M_TILES, GATED>(sums, y + (size_t)first * outputs, outputs, first_output, end - first);
    }
}

#define LINEAR(name, n_tiles, m_tiles, slabs, gated, blocks)                                                                  \
    extern "C" __global__ void __launch_bounds__(WARPS * LANES, blocks)                                                       \
        name(const u16* w, const u16* x, u16* y, int rows, int columns, int batch) {                                          \
        linear<n_tiles, m_tiles, slabs, gated>(w, x, y, rows, columns, batch);                                                \
    }

#define EXPERT_LINEAR(name, n_tiles, m_tiles, slabs, gated, blocks)                                                                 \
    extern "C" __global__ void __launch_bounds__(WARPS * LANES, blocks)                                                       \
        name(const u16* w, const u16* x, u16* y, int rows, int columns, const int* offsets, const int* x_rows) {              \
        experts<n_tiles, m_tiles, slabs, gated>(w, x, y, rows, columns, offsets, x_rows);                                     \
    }

#define NORMALIZED_LINEAR(name, gated, blocks)                                                                                \
    extern "C" __global__ void __launch_bounds__(WARPS * LANES, blocks)                                                       \
        name(const u16* w, const u16* residual, const u16* norm, u16* y, int rows, float epsilon) {                           \
        normalized_linear<gated>(w, residual, norm, y, rows, epsilon);                                                        \
    }

NORMALIZED_LINEAR(normalized_linear_2_blocks, false, 2)
NORMALIZED_LINEAR(normalized_linear_3_blocks, false, 3)
NORMALIZED_LINEAR(normalized_gated, true, 2)

extern "C" __global__ void __launch_bounds__(WARPS * LANES, 2) linear_onto(const u16* w, const u16* x, u16* residual, int rows, int columns, int batch) {
    linear<1, 1, 4, false, true>(w, x, residual, rows, columns, batch);
}

LINEAR(linear_2_blocks, 1, 1, 4, false, 2)
LINEAR(linear_3_blocks, 1, 1, 4, false, 3)
LINEAR(gated, 1, 1, 4, true, 2)
EXPERT_LINEAR(experts_8, 1, 1, 4, false, 2)
EXPERT_LINEAR(experts_16, 2, 2, 2, false, 2)
EXPERT_LINEAR(experts_32, 4, 2, 2, false, 1)
EXPERT_LINEAR(experts_gated_8, 1, 1, 4, true, 2)
EXPERT_LINEAR(experts_gated_16, 2, 2, 2, true, 2)
EXPERT_LINEAR(experts_gated_32, 4, 2, 2, true, 1)
