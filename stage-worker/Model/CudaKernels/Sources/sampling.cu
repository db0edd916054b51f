// The next token of each row, one block a row: greedy, or temperature, top-k, top-p and min-p as the CPU sampler defines them,
// with the same random number for (seed, position); before that bias, penalties and bans, after that log-probabilities, for the
// rows that ask. logits: [rows, vocabulary] bf16; tokens: [rows], -1 where no score is finite.
//
// Probabilities are doubles, sums of them are integers (units of 2^-44): they come out the same in whatever order threads add.
// Nothing is sorted: a token's rank key is (score, lowest id first), and the last key to keep is found digit by digit from a
// histogram of counts (top-k) or masses (top-p). A draw can differ from the CPU's only where it falls on a boundary to 2^-44.
// Bytes: the logits, from cache after the first pass. A row with adjustments gets its scores in float32 first (4 bytes a token,
// from cache as well), because a penalised logit is no bf16 number; the others do not touch that memory.

#define THREADS 1024
#define WARPS (THREADS / 32)
#define BINS 512
#define MOST_LOGPROBS 20
#define ONE_MASS 17592186044416.0  // 2^44

// One row's parameters (StepBuffers). Its adjustments lie in the step's list: seen tokens in [seen, biased), logit bias in
// [biased, banned), tokens that may not be drawn in [banned, end). logprobs: alternatives to report, -1 for no report.
struct Choice {
    u64 seed; int position; float temperature; int top_k; float top_p, min_p; int logprobs;
    float repetition, presence, frequency; int seen, biased, banned, end, unused;
};

// bits: how often a seen token was generated, or the bias as a float. A token occurs once in each of the three parts.
struct Adjustment { int token; u32 bits; };

// Log-probabilities under the raw logits; the best first.
struct Report { float logprob; int count; int ids[MOST_LOGPROBS]; float logprobs[MOST_LOGPROBS]; };

struct Shared {
    u64 bins[BINS];
    u64 warps[WARPS];
    double shares[WARPS];
    u64 top[MOST_LOGPROBS];
    u64 chosen, before;
    int fault, drawn, found;
};

DEVICE u64 mix(u64 value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
    return value ^ (value >> 31);
}

DEVICE double uniform(u64 seed, u64 position) {
    const u64 step = 0x9E3779B97F4A7C15ull;
    return (double)(mix(mix(seed + step) + position * step) >> 11) * (1.0 / 9007199254740992.0);
}

// Rank keys: larger is better, the score's order first, then the lower id. +0 and -0 are the same score.
struct RawScores {
    static const int digits = 4;  // of 9 bits: 16 of the score, 20 of the id
    const u16* logits;

    DEVICE float score(int id) const { return to_float(logits[id]); }

    DEVICE u64 key(int id) const {
        const u16 bits = logits[id] == 0x8000 ? 0 : logits[id];
        const u32 order = bits & 0x8000 ? (u16)~bits : bits | 0x8000u;
        return (u64)order << 20 | (u64)(0xfffff - id);
    }
};

struct AdjustedScores {
    static const int digits = 6;  // 32 bits of the score, 20 of the id
    const float* scores;

    DEVICE float score(int id) const { return scores[id]; }

    DEVICE u64 key(int id) const {
        const u32 stored = __float_as_uint(scores[id]), bits = stored == 0x80000000u ? 0 : stored;
        const u32 order = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
        return (u64)order << 20 | (u64)(0xfffff - id);
    }
};

DEVICE int id_of(u64 key) { return 0xfffff - (int)(key & 0xfffff); }

DEVICE u64 block_sum(Shared& s, u64 value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) value += __shfl_xor_sync(0xffffffffu, value, offset);
    __syncthreads();
    if (threadIdx.x % 32 == 0) s.warps[threadIdx.x / 32] = value;
    __syncthreads();
    u64 total = 0;
    for (int w = 0; w < WARPS; w++) total += s.warps[w];
    return total;
}

// Always in the same order.
DEVICE double block_sum(Shared& s, double value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) value += __shfl_xor_sync(0xffffffffu, value, offset);
    __syncthreads();
    if (threadIdx.x % 32 == 0) s.shares[threadIdx.x / 32] = value;
    __syncthreads();
    double total = 0;
    for (int w = 0; w < WARPS; w++) total += s.shares[w];
    return total;
}

// The best key of all; fault is set where a score is no number.
template <class Scores>
DEVICE u64 best_key(Shared& s, Scores scores, int vocabulary) {
    u64 top = 0;
    bool broken = false;
    for (int id = threadIdx.x; id < vocabulary; id += THREADS) {
        const float score = scores.score(id);
        const u64 key = scores.key(id);
        broken |= score != score;
        top = key > top ? key : top;
    }

    if (broken) s.fault = 1;

#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        const u64 other = __shfl_xor_sync(0xffffffffu, top, offset);
        top = other > top ? other : top;
    }

    __syncthreads();
    if (threadIdx.x % 32 == 0) s.warps[threadIdx.x / 32] = top;
    __syncthreads();
    for (int w = 0; w < WARPS; w++) top = s.warps[w] > top ? s.warps[w] : top;
    return top;
}

// The last key, from the best down, in front of which the weights add up to at most limit. Weighs keys from lowest on only.
template <class Scores, class Weight>
DEVICE u64 last_within(Shared& s, Scores scores, int vocabulary, u64 lowest, u64 limit, Weight weight) {
    u64 prefix = 0, before = 0;
    for (int digit = Scores::digits - 1; digit >= 0; digit--) {
        const int shift = digit * 9;
        __syncthreads();
        if (threadIdx.x < BINS) s.bins[threadIdx.x] = 0;
        __syncthreads();
        for (int id = threadIdx.x; id < vocabulary; id += THREADS) {
            const u64 key = scores.key(id);
            if (key >= lowest && key >> (shift + 9) == prefix) {
                const u64 w = weight(scores.score(id));
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

// What Penalties does on the CPU, in its order and with its roundings: repetition, counts, bias, bans. scores: [vocabulary].
DEVICE void adjust(const u16* logits, const Choice& choice, const Adjustment* adjustments, float* scores, int vocabulary) {
    for (int id = threadIdx.x; id < vocabulary; id += THREADS) scores[id] = to_float(logits[id]);
    __syncthreads();
    for (int i = choice.seen + threadIdx.x; i < choice.biased; i += THREADS) {
        const int id = adjustments[i].token, generated = (int)adjustments[i].bits;
        if ((u32)id >= (u32)vocabulary) continue;
        float score = scores[id];
        if (choice.repetition != 1) score = score > 0 ? __fdiv_rn(score, choice.repetition) : __fmul_rn(score, choice.repetition);
        if (generated > 0) score = __fsub_rn(score, __fadd_rn(choice.presence, __fmul_rn(choice.frequency, (float)generated)));
        scores[id] = score;
    }

    __syncthreads();
    for (int i = choice.biased + threadIdx.x; i < choice.banned; i += THREADS) {
        const int id = adjustments[i].token;
        if ((u32)id < (u32)vocabulary) scores[id] = __fadd_rn(scores[id], __uint_as_float(adjustments[i].bits));
    }

    __syncthreads();
    for (int i = choice.banned + threadIdx.x; i < choice.end; i += THREADS) {
        const int id = adjustments[i].token;
        if ((u32)id < (u32)vocabulary) scores[id] = __uint_as_float(0xff800000u);
    }

    __syncthreads();
}

// A token by its share of the mass: temperature, then the cuts, then the draw.
template <class Scores>
DEVICE int draw(Shared& s, Scores scores, const Choice& choice, float largest, int vocabulary) {
    auto mass = [&](float score) { return (u64)(exp(((double)score - (double)largest) / (double)choice.temperature) * ONE_MASS); };
    u64 lowest = 0;
    if (choice.top_k > 0 && choice.top_k < vocabulary)
        lowest = last_within(s, scores, vocabulary, 0, (u64)(choice.top_k - 1), [](float) { return 1ull; });
    if (choice.top_p < 1) {
        u64 sum = 0;
        for (int id = threadIdx.x; id < vocabulary; id += THREADS)
            if (scores.key(id) >= lowest) sum += mass(scores.score(id));
        const u64 whole = block_sum(s, sum);
        const u64 key = last_within(s, scores, vocabulary, lowest, (u64)((double)whole * (double)choice.top_p), mass);
        lowest = key > lowest ? key : lowest;
    }

    const u64 least = (u64)((double)choice.min_p * ONE_MASS);
    auto share = [&](int id) {
        const u64 m = scores.key(id) >= lowest ? mass(scores.score(id)) : 0;
        return m >= least ? m : 0;
    };

    // Each thread has a run of ids; the draw falls into one run, and its thread walks it.
    const int run = divide_up(vocabulary, THREADS), begin = min((int)threadIdx.x * run, vocabulary), end = min(begin + run, vocabulary);
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
    for (int w = 0; w < WARPS; w++) {
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
                s.drawn = id;
                break;
            }

            before += m;
        }
    }

    __syncthreads();
    return s.drawn;
}

template <class Scores>
DEVICE int choose(Shared& s, Scores scores, const Choice& choice, int vocabulary) {
    const int greedy = id_of(best_key(s, scores, vocabulary));
    const float largest = scores.score(greedy);
    if (s.fault || (__float_as_uint(largest) & 0x7f800000u) == 0x7f800000u) return -1;
    return choice.temperature == 0 ? greedy : draw(s, scores, choice, largest, vocabulary);
}

// The drawn token and the most probable ones, equal ones by id. Four passes for the alternatives, whatever their number.
DEVICE void tell(Shared& s, const u16* logits, int token, int alternatives, Report& report, int vocabulary) {
    const RawScores raw = {logits};
    const double largest = (double)raw.score(id_of(best_key(s, raw, vocabulary)));
    double sum = 0;
    for (int id = threadIdx.x; id < vocabulary; id += THREADS) sum += exp((double)raw.score(id) - largest);
    const double normalizer = largest + log(block_sum(s, sum));
    const int count = min(min(alternatives, MOST_LOGPROBS), vocabulary);
    if (threadIdx.x == 0) {
        report.logprob = (float)((double)raw.score(token) - normalizer);
        report.count = count;
        s.found = 0;
    }

    if (count <= 0) return;
    const u64 last = last_within(s, raw, vocabulary, 0, (u64)(count - 1), [](float) { return 1ull; });
    for (int id = threadIdx.x; id < vocabulary; id += THREADS) {
        const u64 key = raw.key(id);
        if (key >= last) s.top[atomicAdd(&s.found, 1)] = key;
    }

    __syncthreads();
    if (threadIdx.x >= count) return;
    int rank = 0;
    for (int i = 0; i < count; i++) rank += s.top[i] > s.top[threadIdx.x];
    const int id = id_of(s.top[threadIdx.x]);
    report.ids[rank] = id;
    report.logprobs[rank] = (float)((double)raw.score(id) - normalizer);
}

// adjusted: [rows, vocabulary] floats of scratch; reports: [rows], written where a report is asked for.
extern "C" __global__ void __launch_bounds__(THREADS) sample(
    const u16* all_logits, const Choice* choices, int* tokens, int vocabulary, const Adjustment* adjustments, float* adjusted, Report* reports) {
    __shared__ Shared s;
    wait_for_inputs();
    let_next_start();
    const u16* logits = all_logits + (size_t)blockIdx.x * vocabulary;
    const Choice choice = choices[blockIdx.x];
    if (threadIdx.x == 0) {
        s.fault = 0;
        s.drawn = -1;
    }

    __syncthreads();
    int token;
    if (choice.seen == choice.end) {
        token = choose(s, RawScores{logits}, choice, vocabulary);
    } else {
        float* scores = adjusted + (size_t)blockIdx.x * vocabulary;
        adjust(logits, choice, adjustments, scores, vocabulary);
        token = choose(s, AdjustedScores{scores}, choice, vocabulary);
    }

    if (threadIdx.x == 0) tokens[blockIdx.x] = token;
    if (token >= 0 && choice.logprobs >= 0) tell(s, logits, token, choice.logprobs, reports[blockIdx.x], vocabulary);
}
