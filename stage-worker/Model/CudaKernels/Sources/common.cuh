// What every kernel file begins with. No CUDA header is needed: NVRTC alone compiles these files.
//
// Compiled in by the host: HEAD_DIM, GROUP (query heads of one kv head), HIDDEN.
//
// Kernels may start before the one in front of them on the stream has ended (programmatic dependent launch). So each calls
// wait_for_inputs() before it touches anything that another kernel writes; weights it may read earlier, and decode_attention.cu more.

typedef unsigned char u8;
typedef unsigned short u16;  // also: the bits of a bfloat16
typedef unsigned int u32;
typedef unsigned long long u64;

#define DEVICE __device__ __forceinline__
#define KERNEL extern "C" __global__ void

#if __CUDA_ARCH__ >= 900
DEVICE void wait_for_inputs() { asm volatile("griddepcontrol.wait;" ::: "memory"); }
DEVICE void let_next_start() { asm volatile("griddepcontrol.launch_dependents;"); }
#else
DEVICE void wait_for_inputs() {}
DEVICE void let_next_start() {}
#endif

DEVICE float to_float(u16 bits) { return __uint_as_float((u32)bits << 16); }
DEVICE float low(u32 pair) { return __uint_as_float(pair << 16); }
DEVICE float high(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }

// Two floats rounded to nearest even, the first in the low half.
DEVICE u32 pack(float first, float second) {
    u32 pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
    return pair;
}

DEVICE u16 to_bf16(float value) { return (u16)pack(value, 0.0f); }
DEVICE float rounded(float value) { return low(pack(value, 0.0f)); }

DEVICE u32 at(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Weights: read once, so they stay out of L1, and whole lines come into L2.
DEVICE uint4 load_stream(const u16* from) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(from));
    return v;
}

// Keys and values: read once as well, but written by an earlier kernel that may still run when this one starts.
DEVICE uint4 load_once(const u16* from) {
    uint4 v;
    asm volatile("ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(from));
    return v;
}

// Past L1: what another block of the same kernel wrote.
DEVICE float load_shared_result(const float* from) {
    float v;
    asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(v) : "l"(from));
    return v;
}

DEVICE uint4 load16(const u16* from) { return *(const uint4*)from; }

// accumulator[16 x 8] += a[16 x 16] * b[16 x 8]
DEVICE void multiply_add(float (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

DEVICE float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

DEVICE float silu(float x) { return x / (1.0f + expf(-x)); }

// silu(gate) * up with the roundings that separate operations would make.
DEVICE float gated(float gate, float up) { return rounded(silu(rounded(gate))) * rounded(up); }

DEVICE float warp_sum(float value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) value += __shfl_xor_sync(0xffffffffu, value, offset);
    return value;
}

DEVICE int divide_up(int a, int b) { return (a + b - 1) / b; }

// Where the keys of one cache group lie: slot of a position through the block table of its sequence.
DEVICE int slot_of(const int* table, int position, int block_size, int ring_blocks) {
    return table[(position / block_size) % ring_blocks] * block_size + position % block_size;
}

// RMSNorm in two places (normalize.cu, and skinny_linear.cu for a single row) that have to agree to the last bit. A row is cut
// into vectors of 8; NORM_THREADS threads take them in turns, and the sums of its warps are added in order.
#define NORM_THREADS 512
#define NORM_VECTORS ((HIDDEN / 8 + NORM_THREADS - 1) / NORM_THREADS)

DEVICE float add_squares(float sum, const uint4& x) {
#pragma unroll
    for (int j = 0; j < 4; j++) sum = __fmaf_rn(high(at(x, j)), high(at(x, j)), __fmaf_rn(low(at(x, j)), low(at(x, j)), sum));
    return sum;
}

DEVICE float norm_scale(const float* warp_sums, float epsilon) {
    float total = 0;
#pragma unroll
    for (int w = 0; w < NORM_THREADS / 32; w++) total = __fadd_rn(total, warp_sums[w]);
    return rsqrtf(__fadd_rn(__fmul_rn(total, 1.0f / HIDDEN), epsilon));
}

// The normalised row is rounded before it meets the weight, as in the reference.
DEVICE uint4 normalized(const uint4& x, const uint4& weight, float scale) {
    u32 out[4];
#pragma unroll
    for (int j = 0; j < 4; j++)
        out[j] = pack(rounded(__fmul_rn(low(at(x, j)), scale)) * low(at(weight, j)), rounded(__fmul_rn(high(at(x, j)), scale)) * high(at(weight, j)));
    return make_uint4(out[0], out[1], out[2], out[3]);
}

DEVICE u32 add_pairs(u32 a, u32 b) { return pack(low(a) + low(b), high(a) + high(b)); }

DEVICE uint4 add8(const uint4& a, const uint4& b) { return make_uint4(add_pairs(a.x, b.x), add_pairs(a.y, b.y), add_pairs(a.z, b.z), add_pairs(a.w, b.w)); }
