// What the kernels for Hopper have in common: barriers in shared memory that count arrivals and copied bytes, what L2 keeps of a
// copy, and the products of a warpgroup. Compiled for compute capability 9.0 alone (sm_90a), between common.cuh and the kernels.

DEVICE u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// The way through a ring of stages. phase: parity of the rounds made.
template <int STAGE_COUNT>
struct Place {
    int stage, phase;
    DEVICE void advance() {
        if (++stage == STAGE_COUNT) {
            stage = 0;
            phase ^= 1;
        }
    }
};

DEVICE void make_barrier(u32 barrier, int arrivals) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory"); }
DEVICE void expect(u32 barrier, int bytes) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory"); }

DEVICE void wait_for(u32 barrier, int phase) {
    asm volatile("{\n.reg .pred done;\nAGAIN:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@!done bra AGAIN;\n}" ::"r"(barrier), "r"(phase) : "memory");
}

// For copies of what nobody reads again: it makes room in L2 first.
DEVICE u64 read_once() {
    u64 policy;
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}

// A factor in shared memory: its address, how far 8 rows are (1024 bytes) and, if its columns are not summed over, how far the
// halves are; in units of 16 bytes. The highest bits tell that the 16-byte pieces of a line are swapped by the line's number.
DEVICE u64 described(u32 address, int half_bytes = 16) { return (u64)1 << 62 | (u64)(1024 / 16) << 32 | (u64)(half_bytes / 16) << 16 | address / 16; }

DEVICE void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void end_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Sums of a product, [n][4], as operands.
#define FOUR(c, i) "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])
#define SIXTEEN(c, i) FOUR(c, i), FOUR(c, i + 1), FOUR(c, i + 2), FOUR(c, i + 3)
