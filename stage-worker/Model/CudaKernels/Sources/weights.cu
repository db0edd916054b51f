// Weights on their way in: a piece of a stored tensor becomes bf16 rows in the runtime's order, with the roundings of the CPU's
// ElementConverter. One kernel for each stored type and order; whole bf16 rows that stay in order are copied without any.
// Bytes: a piece is read once and written once, as bf16.

#define TILE 32

// Nearest even; a NaN stays one.
DEVICE u16 narrowed(u32 bits) {
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (u16)((bits | 0x00400000u) >> 16);
    return (u16)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

// Moves a half's exponent from bias 15 to bias 127; subnormals get their leading bit by a subtraction of normal numbers.
DEVICE u32 raised(u16 half) {
    const u32 sign = (u32)(half & 0x8000) << 16, magnitude = (u32)(half & 0x7fff) << 13, exponent = magnitude & 0x1fu << 23;
    if (exponent == 0x1fu << 23) return sign | (magnitude + (224u << 23));
    if (exponent != 0) return sign | (magnitude + (112u << 23));
    return sign | __float_as_uint(__fsub_rn(__uint_as_float(magnitude + (113u << 23)), __uint_as_float(113u << 23)));
}

struct StoredBf16 { typedef u16 type; DEVICE static u16 bf16(u16 bits) { return bits; } };
struct StoredF16 { typedef u16 type; DEVICE static u16 bf16(u16 bits) { return narrowed(raised(bits)); } };
struct StoredF32 { typedef u32 type; DEVICE static u16 bf16(u32 bits) { return narrowed(bits); } };

// Interleaved pairs to halves, within each head (RotaryRowOrder).
DEVICE u32 half_row_of(u32 row) {
    const u32 in_head = row % HEAD_DIM;
    return row - in_head + (in_head & 1 ? HEAD_DIM / 2 : 0) + in_head / 2;
}

// piece: [elements / columns, columns], its first row is first of the weight. One thread an element.
template <class Stored, bool INTERLEAVED>
DEVICE void place_rows(const typename Stored::type* piece, u16* weight, u32 first, u32 elements, u32 columns) {
    wait_for_inputs();
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= elements) return;
    const u32 stored = first + i / columns, row = INTERLEAVED ? half_row_of(stored) : stored;
    weight[(size_t)row * columns + i % columns] = Stored::bf16(piece[i]);
}

// piece: [count, rows], its first line is column first of the weight [rows, columns]. A block turns a tile of 32 x 32.
template <class Stored>
DEVICE void place_columns(const typename Stored::type* piece, u16* weight, u32 first, u32 count, u32 rows, u32 columns) {
    __shared__ u16 tile[TILE][TILE + 1];
    wait_for_inputs();
    const u32 line = threadIdx.x / TILE, lane = threadIdx.x % TILE, lines = blockDim.x / TILE;
    const u32 column = blockIdx.x * TILE, row = blockIdx.y * TILE;
    for (u32 i = line; i < TILE; i += lines)
        if (column + i < count && row + lane < rows) tile[i][lane] = Stored::bf16(piece[(size_t)(column + i) * rows + row + lane]);
    __syncthreads();
    for (u32 i = line; i < TILE; i += lines)
        if (row + i < rows && column + lane < count) weight[(size_t)(row + i) * columns + first + column + lane] = tile[lane][i];
}

#define PLACE(name, Stored)                                                                                                            \
    KERNEL rows_##name(const Stored::type* piece, u16* weight, u32 first, u32 elements, u32 columns) {                                 \
        place_rows<Stored, false>(piece, weight, first, elements, columns);                                                            \
    }                                                                                                                                  \
    KERNEL interleaved_rows_##name(const Stored::type* piece, u16* weight, u32 first, u32 elements, u32 columns) {                     \
        place_rows<Stored, true>(piece, weight, first, elements, columns);                                                             \
    }                                                                                                                                  \
    KERNEL columns_##name(const Stored::type* piece, u16* weight, u32 first, u32 count, u32 rows, u32 columns) {                       \
        place_columns<Stored>(piece, weight, first, count, rows, columns);                                                             \
    }

PLACE(bf16, StoredBf16)
PLACE(f16, StoredF16)
PLACE(f32, StoredF32)
