// Random weights made where they are used, the same bits that the CPU makes (SplitMix64 by counter, the sum of four uniform
// 16-bit numbers). One thread an element; bound by the 2 bytes that it writes.

DEVICE u64 mix(u64 value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
    return value ^ (value >> 31);
}

KERNEL dummy_weights(u16* target, u64 count, u64 key, float mean, float scale) {
    const u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const u64 bits = mix(key + 0x9E3779B97F4A7C15ull * (i + 1));
    const u64 mask = 0x0000ffff0000ffffull;
    const u64 pairs = (bits & mask) + ((bits >> 16) & mask);
    const int sum = (int)((pairs & 0xffffffffull) + (pairs >> 32));
    target[i] = to_bf16(__fadd_rn(mean, __fmul_rn(scale, (float)(sum - 2 * 65535))));
}
