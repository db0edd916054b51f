// Rows of a matrix by index: the embedding, and the rows that go through the head. Also the gate of a fused feed-forward row.
//
// Each thread moves 16 bytes. width: elements of a row, a multiple of 8.

struct RowIds { int id[512]; };

KERNEL embed_rows(const u16* embedding, const int* tokens, u16* output, int width) {
    wait_for_inputs();
    let_next_start();
    const size_t from = (size_t)tokens[blockIdx.x] * width, to = (size_t)blockIdx.x * width;
    for (int i = threadIdx.x * 8; i < width; i += blockDim.x * 8) *(uint4*)(output + to + i) = load16(embedding + from + i);
}

// The ids travel as a parameter: no copy, no buffer whose life has to be minded.
KERNEL gather_rows(const u16* input, u16* output, int width, RowIds rows) {
    wait_for_inputs();
    let_next_start();
    const size_t from = (size_t)rows.id[blockIdx.x] * width, to = (size_t)blockIdx.x * width;
    for (int i = threadIdx.x * 8; i < width; i += blockDim.x * 8) *(uint4*)(output + to + i) = load16(input + from + i);
}

// silu(gate) * up; gate_up: [rows, 2 * width], output: [rows, width]. Bytes: 3 * rows * width * 2.
KERNEL swiglu(const u16* gate_up, u16* output, int width) {
    wait_for_inputs();
    let_next_start();
    const size_t row = blockIdx.y;
    const int i = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
    if (i >= width) return;
    const uint4 g = load16(gate_up + row * 2 * width + i);
    const uint4 u = load16(gate_up + row * 2 * width + width + i);
    uint4 out;
    out.x = pack(gated(low(g.x), low(u.x)), gated(high(g.x), high(u.x)));
    out.y = pack(gated(low(g.y), low(u.y)), gated(high(g.y), high(u.y)));
    out.z = pack(gated(low(g.z), low(u.z)), gated(high(g.z), high(u.z)));
    out.w = pack(gated(low(g.w), low(u.w)), gated(high(g.w), high(u.w)));
    *(uint4*)(output + row * width + i) = out;
}
