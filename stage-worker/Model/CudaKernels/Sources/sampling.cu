// The next token of each row, one block a row: greedy, or temperature, top-k, top-p and min-p as the CPU sampler defines them,
// with the same random number for (seed, position). logits: [rows, vocabulary] bf16; tokens: [rows], -1 where no number is finite.
//
// Probabilities are doubles, sums of them are integers (units of 2^-44): they come out the same in whatever order threads add.
// Nothing is sorted: a token's rank key is (score, lowest id first), and the last key to keep is found digit by digit from a
// histogram of counts (top-k) or masses (top-p). A draw can differ from the CPU's only where it falls on a boundary to 2^-44.
// Bytes: the logits, from cache after the first pass.

#define THREADS 1024
#define BINS 512
#define DIGITS 4
#define ONE_MASS 17592186044416.0  // 2^44

struct Choice { u64 seed; int position; float temperature; int top_k; float top_p, min_p; int unused; };

DEVICE u64 mix(u64 value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
    return value ^ (value >> 31);
}

DEVICE double uniform(u64 seed, u64 position) {
    const u64 step = 0x9E3779B97F4A7C15ull;
    return (double)(mix(mix(seed + step) + position * step) >> 11) * (1.0 / 9007199254740992.0);
}

// 36 bits, larger is better: the score's order, then the lower id.
DEVICE u64 rank_key(u16 bits, int id) {
    const u32 order = bits & 0x8000 ? (u16)~bits : bits | 0x8000u;
    return (u64)order << 20 | (u64)(0xfffff - id);
}

DEVICE u64 mass_of(u16 bits, float largest, float temperature) {
    return (u64)(exp(((double)to_float(bits) - (double)largest) / (double)temperature) * ONE_MASS);
}

struct Shared {
    u64 bins[BINS];
    u64 warps[THREADS / 32];
    u64 chosen, before;
};

DEVICE u64 block_sum(Shared& s, u64 value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) value += __shfl_xor_sync(0xffffffffu, value, offset);
    __syncthreads();
    if (threadIdx.x % 32 == 0) s.warps[threadIdx.x / 32] = value;
    __syncthreads();
    u64 total = 0;
    for (int w = 0; w < THREADS / 32; w++) total += s.warps[w];
    return total;
}

// The last key, from the best down, in front of which the weights add up to at most limit. Weighs keys from lowest on only.
template <class Weight>
DEVICE u64 last_within(Shared& s, const u16* logits, int vocabulary, u64 lowest, u64 limit, Weight weight) {
    u64 prefix = 0, before = 0;
    for (int digit = DIGITS - 1; digit >= 0; digit--) {
        const int shift = digit * 9;
        __syncthreads();
        if (threadIdx.x < BINS) s.bins[threadIdx.x] = 0;
        __syncthreads();
        for (int id = threadIdx.x; id < vocabulary; id += THREADS) {
            const u64 key = rank_key(logits[id], id);
            if (key >= lowest && key >> (shift + 9) == prefix) {
                const u64 w = weight(logits[id]);
                if (w > 0) atomicAdd(&s.bins[key >> shift & (BINS - 1)], w);
            }
        }

        __syncthreads();
        if (threadIdx.x < 32) {
            // A lane has 16 bins, the best lane first; then what lies before each lane, and the last bin that begins within the limit.
            const int top = BINS - 1 - threadIdx.x * 16;
            u64 sum = 0;
            for (int i = 0; i < 16; i++) sum += s.bins[top - i];
            u64 until = sum;
#pragma unroll
            for (int offset = 1; offset < 32; offset <<= 1) {
                const u64 other = __shfl_up_sync(0xffffffffu, until, offset);
                if (threadIdx.x >= offset) until += other;
            }

            u64 at_bin = before + until - sum, found_before = 0;
            int found = -1;
            for (int i = 0; i < 16; i++) {
                const u64 w = s.bins[top - i];
                if (w > 0 && at_bin <= limit) {
                    found = top - i;
                    found_before = at_bin;
                }

                at_bin += w;
            }

            const u32 having = __ballot_sync(0xffffffffu, found >= 0);
            if (having && threadIdx.x == 31 - __clz(having)) {
                s.chosen = prefix << 9 | found;
                s.before = found_before;
            }
        }

        __syncthreads();
        prefix = s.chosen;
        before = s.before;
    }

    return prefix;
}

extern "C" __global__ void __launch_bounds__(THREADS) sample(const u16* all_logits, const Choice* choices, int* tokens, int vocabulary) {
    __shared__ Shared s;
    __shared__ u64 best[THREADS / 32];
    __shared__ int fault, drawn;
    wait_for_inputs();
    let_next_start();
    const u16* logits = all_logits + (size_t)blockIdx.x * vocabulary;
    const Choice choice = choices[blockIdx.x];
    if (threadIdx.x == 0) {
        fault = 0;
        drawn = -1;
    }

    __syncthreads();
    u64 top = 0;
    for (int id = threadIdx.x; id < vocabulary; id += THREADS) {
        const u16 bits = logits[id];
        if ((bits & 0x7fff) > 0x7f80) fault = 1;
        // +0 and -0 are the same score.
        const u64 key = rank_key(bits == 0x8000 ? 0 : bits, id);
        top = key > top ? key : top;
    }

#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        const u64 other = __shfl_xor_sync(0xffffffffu, top, offset);
        top = other > top ? other : top;
    }

    if (threadIdx.x % 32 == 0) best[threadIdx.x / 32] = top;
    __syncthreads();
    for (int w = 0; w < THREADS / 32; w++) top = best[w] > top ? best[w] : top;
    const int greedy = 0xfffff - (int)(top & 0xfffff);
    const float largest = to_float(logits[greedy]);
    if (fault || (logits[greedy] & 0x7f80) == 0x7f80) {
        if (threadIdx.x == 0) tokens[blockIdx.x] = -1;
        return;
    }

    if (choice.temperature == 0) {
        if (threadIdx.x == 0) tokens[blockIdx.x] = greedy;
        return;
    }

    auto mass = [&](u16 bits) { return mass_of(bits, largest, choice.temperature); };
    u64 lowest = 0;
    if (choice.top_k > 0 && choice.top_k < vocabulary)
        lowest = last_within(s, logits, vocabulary, 0, (u64)(choice.top_k - 1), [](u16) { return 1ull; });
    if (choice.top_p < 1) {
        u64 sum = 0;
        for (int id = threadIdx.x; id < vocabulary; id += THREADS)
            if (rank_key(logits[id], id) >= lowest) sum += mass(logits[id]);
        const u64 whole = block_sum(s, sum);
        const u64 key = last_within(s, logits, vocabulary, lowest, (u64)((double)whole * (double)choice.top_p), mass);
        lowest = key > lowest ? key : lowest;
    }

    const u64 least = (u64)((double)choice.min_p * ONE_MASS);
    auto share = [&](int id) {
        const u64 m = rank_key(logits[id], id) >= lowest ? mass(logits[id]) : 0;
        return m >= least ? m : 0;
    };

    // Each thread has a run of ids; the draw falls into one run, and its thread walks it.
    const int run = divide_up(vocabulary, THREADS), begin = min(threadIdx.x * run, vocabulary), end = min(begin + run, vocabulary);
    u64 sum = 0;
    for (int id = begin; id < end; id++) sum += share(id);
    u64 until = sum;
#pragma unroll
    for (int offset = 1; offset < 32; offset <<= 1) {
        const u64 other = __shfl_up_sync(0xffffffffu, until, offset);
        if (threadIdx.x % 32 >= offset) until += other;
    }

    __syncthreads();
    if (threadIdx.x % 32 == 31) s.warps[threadIdx.x / 32] = until;
    __syncthreads();
    u64 whole = 0;
    for (int w = 0; w < THREADS / 32; w++) {
        if (w < threadIdx.x / 32) until += s.warps[w];
        whole += s.warps[w];
    }

    u64 target = (u64)(uniform(choice.seed, choice.position) * (double)whole);
    if (target >= whole) target = whole - 1;
    u64 before = until - sum;
    if (sum > 0 && target >= before && target < until) {
        for (int id = begin; id < end; id++) {
            const u64 m = share(id);
            if (m > 0 && target < before + m) {
                drawn = id;
                break;
            }

            before += m;
        }
    }

    __syncthreads();
    if (threadIdx.x == 0) tokens[blockIdx.x] = drawn;
}
