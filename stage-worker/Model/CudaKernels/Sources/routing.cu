// Mixture of experts around its projections: which rows visit which expert, and the mix of what comes back.
//
// A visit is one (row, choice) pair; visits are sorted by expert, rows ascending within it, so that an expert's rows lie
// together. Nothing goes to the host. Router logits in bf16 like any projection; softmax over the chosen k in float32.
// Compiled in: EXPERTS, CHOICES. Bytes: router weights and one read of the rows; microseconds.

#define WARPS 8

// One block a row. chosen, shares: [rows, CHOICES], the chosen experts by falling logit (ties: lowest id).
KERNEL route(const u16* x, const u16* router, int* chosen, u16* shares) {
    __shared__ float logits[EXPERTS];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const u16* row = x + (size_t)blockIdx.x * HIDDEN;
    wait_for_inputs();
    let_next_start();
    for (int expert = warp; expert < EXPERTS; expert += WARPS) {
        float sum = 0;
        for (int i = lane * 8; i < HIDDEN; i += 256) {
            const uint4 a = load16(row + i), b = load16(router + (size_t)expert * HIDDEN + i);
#pragma unroll
            for (int j = 0; j < 4; j++) sum += low(at(a, j)) * low(at(b, j)) + high(at(a, j)) * high(at(b, j));
        }

        sum = warp_sum(sum);
        if (lane == 0) logits[expert] = rounded(sum);
    }

    __syncthreads();
    if (threadIdx.x != 0) return;
    float top[CHOICES], total = 0;
    u64 taken = 0;
    for (int k = 0; k < CHOICES; k++) {
        int best = -1;  // different ones always, even among logits that are no numbers
        for (int expert = 0; expert < EXPERTS; expert++)
            if (!(taken >> expert & 1) && (best < 0 || logits[expert] > logits[best])) best = expert;
        taken |= 1ull << best;
        chosen[blockIdx.x * CHOICES + k] = best;
        top[k] = logits[best];
        total += expf(top[k] - top[0]);
    }

    for (int k = 0; k < CHOICES; k++) shares[blockIdx.x * CHOICES + k] = to_bf16(expf(top[k] - top[0]) / total);
}

// Of SORTED pairs from first on, those of an expert as bits of 32 each. The loads go out together.
#define SORTED 256
DEVICE void find_pairs(u32 (&found)[SORTED / 32], const int* chosen, int first, int pairs, int expert) {
    int mine[SORTED / 32];
#pragma unroll
    for (int i = 0; i < SORTED / 32; i++) {
        const int pair = first + i * 32 + threadIdx.x % 32;
        mine[i] = pair < pairs ? chosen[pair] : -1;
    }

#pragma unroll
    for (int i = 0; i < SORTED / 32; i++) found[i] = __ballot_sync(0xffffffffu, mine[i] == expert);
}

// One block, a warp per expert. offsets: [EXPERTS + 1]; x_rows: row of each visit; visits: [rows, CHOICES] visit of each pair.
KERNEL sort_visits(const int* chosen, int pairs, int* offsets, int* x_rows, int* visits) {
    __shared__ int counts[EXPERTS];
    const int expert = threadIdx.x / 32, lane = threadIdx.x % 32;
    wait_for_inputs();
    let_next_start();
    u32 found[SORTED / 32];
    int count = 0;
    for (int first = 0; first < pairs; first += SORTED) {
        find_pairs(found, chosen, first, pairs, expert);
#pragma unroll
        for (int i = 0; i < SORTED / 32; i++) count += __popc(found[i]);
    }

    if (lane == 0) counts[expert] = count;
    __syncthreads();
    int at = 0;
    for (int e = 0; e < expert; e++) at += counts[e];
    if (lane == 0) offsets[expert] = at;
    if (lane == 0 && expert == EXPERTS - 1) offsets[EXPERTS] = at + count;
    for (int first = 0; first < pairs; first += SORTED) {
        find_pairs(found, chosen, first, pairs, expert);
#pragma unroll
        for (int i = 0; i < SORTED / 32; i++) {
            const int pair = first + i * 32 + lane, visit = at + __popc(found[i] & ((1u << lane) - 1));
            if (found[i] >> lane & 1) {
                x_rows[visit] = pair / CHOICES;
                visits[pair] = visit;
            }

            at += __popc(found[i]);
        }
    }
}

// output = the sum over a row's experts in ascending order of share * y, rounded as separate operations would. y: [visits, HIDDEN].
KERNEL mix_visits(const u16* y, const int* chosen, const u16* shares, const int* visits, u16* output) {
    wait_for_inputs();
    let_next_start();
    const int row = blockIdx.x;
    int order[CHOICES];
#pragma unroll
    for (int k = 0; k < CHOICES; k++) {
        int before = 0;
#pragma unroll
        for (int other = 0; other < CHOICES; other++) before += chosen[row * CHOICES + other] < chosen[row * CHOICES + k];
#pragma unroll
        for (int place = 0; place < CHOICES; place++)
            if (before == place) order[place] = k;
    }

    for (int i = threadIdx.x * 2; i < HIDDEN; i += blockDim.x * 2) {
        float first = 0, second = 0;
#pragma unroll
        for (int place = 0; place < CHOICES; place++) {
            const int pair = row * CHOICES + order[place];
            const float share = to_float(shares[pair]);
            const u32 v = *(const u32*)(y + (size_t)visits[pair] * HIDDEN + i);
            first = rounded(first + rounded(low(v) * share));
            second = rounded(second + rounded(high(v) * share));
        }

        *(u32*)(output + (size_t)row * HIDDEN + i) = pack(first, second);
    }
}

// For prefill: the rows of all visits, one below the other, so that each expert is one plain matrix product.
KERNEL gather_visits(const u16* x, const int* x_rows, u16* output) {
    wait_for_inputs();
    let_next_start();
    const size_t from = (size_t)x_rows[blockIdx.x] * HIDDEN, to = (size_t)blockIdx.x * HIDDEN;
    for (int i = threadIdx.x * 8; i < HIDDEN; i += blockDim.x * 8) *(uint4*)(output + to + i) = load16(x + from + i);
}
