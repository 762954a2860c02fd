// Thin names for the PTX instructions that the kernels use and CUDA C++ has no function for. One instruction a function,
// no policy. Everything from mbarrier on needs sm_90 (wgmma, setmaxnreg: sm_90a); a function that is not called emits nothing,
// so that the header compiles for every target.
// Source: PTX ISA 9.0, chapters 9.7.9 (data movement), 9.7.13 (barriers, mbarrier, griddepcontrol), 9.7.15 (wgmma).
#pragma once

#include <cstdint>

namespace ptx {

// The 32-bit address of an object in shared memory; it is also its shared::cluster address as seen by its own block.
__device__ __forceinline__ uint32_t shared_address(const void* object) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(object));
}

// ---- copies of 4 and 16 bytes, global to shared, generic proxy (sm_80) ----

// Writes 16 bytes; reads `bytes` (0 or 16) of them from global memory, the rest are zeros. Both addresses 16-byte aligned.
__device__ __forceinline__ void copy_16(uint32_t to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}

__device__ __forceinline__ void copy_4(uint32_t to, const void* from) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(from) : "memory");
}

__device__ __forceinline__ void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most `kPending` of this thread's groups are still under way.
template <int kPending>
__device__ __forceinline__ void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// Arrives at the mbarrier when this thread's copies so far are done.
__device__ __forceinline__ void copy_arrive(uint32_t barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}

// Brings the line that holds `address` into L2.
__device__ __forceinline__ void prefetch_l2(const void* address) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(address) : "memory");
}

// ---- mbarrier ----

__device__ __forceinline__ void barrier_init(uint32_t barrier, uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

// Makes initialised mbarriers visible to the copy engine and to the other blocks of the cluster.
__device__ __forceinline__ void barrier_init_fence() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void barrier_arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

// Arrives and makes the phase also wait for `bytes` of bulk copies.
__device__ __forceinline__ void barrier_arrive_expect(uint32_t barrier, uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

// True when the phase of parity `parity` is over; the hardware may suspend the thread for a while first.
__device__ __forceinline__ bool barrier_try_wait(uint32_t barrier, uint32_t parity) {
  uint32_t done;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n"
      "}\n"
      : "=r"(done)
      : "r"(barrier), "r"(parity)
      : "memory");
  return done != 0;
}

#ifdef BENCH_TIMEOUT
// Host memory that survives a trap, or null: block + 1, thread, shared address of the mbarrier, parity. No printf: a call would
// make ptxas serialize wgmma.
static __device__ volatile uint32_t* timeout_report;
#endif

// Waits for the end of the phase of parity `parity`. With BENCH_TIMEOUT a wait of more than about two seconds leaves a report and
// traps instead of hanging for ever.
__device__ __forceinline__ void barrier_wait(uint32_t barrier, uint32_t parity) {
#ifdef BENCH_TIMEOUT
  const long long begin = clock64();
  while (!barrier_try_wait(barrier, parity)) {
    if (clock64() - begin > 4'000'000'000ll) {
      if (timeout_report != nullptr) {
        timeout_report[0] = blockIdx.x + 1;
        timeout_report[1] = threadIdx.x;
        timeout_report[2] = barrier;
        timeout_report[3] = parity;
        __threadfence_system();
      }
      __trap();
    }
  }
#else
  while (!barrier_try_wait(barrier, parity)) {
  }
#endif
}

// Orders this thread's ordinary writes to shared memory before later reads by wgmma or the copy engine.
__device__ __forceinline__ void proxy_fence() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// bar.sync of `threads` threads (a multiple of 32) on one of the barriers 1..15 (0 is __syncthreads).
__device__ __forceinline__ void named_sync(int barrier, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

// ---- bulk copies, global to shared, async proxy ----

// L2 policy for data that is read once.
__device__ __forceinline__ uint64_t evict_first_policy() {
  uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}

// Copies `bytes` (a multiple of 16, both addresses 16-byte aligned); the mbarrier's transaction count falls by `bytes`.
__device__ __forceinline__ void bulk_copy(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, uint64_t policy) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::"r"(
                   to),
               "l"(from), "r"(bytes), "r"(barrier), "l"(policy)
               : "memory");
}

// Brings the description of a tensor to where the copy engine finds it at once.
__device__ __forceinline__ void prefetch_tensor_map(const void* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

// Copies the box of a two-dimensional tensor that begins at element `column` of row `row`; what lies outside of the tensor becomes
// zeros. The mbarrier's transaction count falls by the bytes of the box. `map`: a __grid_constant__ argument of the kernel.
__device__ __forceinline__ void tensor_copy(uint32_t to, const void* map, int column, int row, uint32_t barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(to),
               "l"(map), "r"(column), "r"(row), "r"(barrier)
               : "memory");
}

// ---- clusters ----

// Orders no memory.
__device__ __forceinline__ void cluster_arrive() { asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory"); }

__device__ __forceinline__ void cluster_wait() { asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); }

// Waits for the other blocks of the cluster. Orders no memory: mbarriers are made visible by barrier_init_fence.
__device__ __forceinline__ void cluster_sync() {
  cluster_arrive();
  cluster_wait();
}

// The address, in the shared memory of block `rank` of the cluster, of what lies at `address` in this block.
__device__ __forceinline__ uint32_t cluster_address(uint32_t address, uint32_t rank) {
  uint32_t mapped;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(mapped) : "r"(address), "r"(rank));
  return mapped;
}

// Copies `bytes` (a multiple of 16, all addresses 16-byte aligned) from this block's shared memory to that of a block of the cluster;
// the transaction count of the mbarrier there falls by `bytes`. `to` and `barrier` from cluster_address.
__device__ __forceinline__ void cluster_copy(uint32_t to, uint32_t from, uint32_t bytes, uint32_t barrier) {
  asm volatile("cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to), "r"(from),
               "r"(bytes), "r"(barrier)
               : "memory");
}

// ---- shared memory by address ----

__device__ __forceinline__ uint32_t load_2(uint32_t address) {
  uint16_t value;
  asm volatile("ld.shared.u16 %0, [%1];" : "=h"(value) : "r"(address) : "memory");
  return value;
}

__device__ __forceinline__ uint32_t load_4(uint32_t address) {
  uint32_t value;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(value) : "r"(address) : "memory");
  return value;
}

__device__ __forceinline__ uint4 load_16(uint32_t address) {
  uint4 value;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "r"(address)
               : "memory");
  return value;
}

__device__ __forceinline__ void store_4(uint32_t address, float value) {
  asm volatile("st.shared.f32 [%0], %1;" ::"r"(address), "f"(value) : "memory");
}
__device__ __forceinline__ void store_4(uint32_t address, int value) {
  asm volatile("st.shared.s32 [%0], %1;" ::"r"(address), "r"(value) : "memory");
}

// Four 8 x 8 matrices of 16-bit elements; lane i gives the address of row i % 8 of matrix i / 8.
__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}

__device__ __forceinline__ void load_transposed(uint32_t (&to)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}

// ---- programmatic dependent launch ----

// Waits until all kernels before this one are complete and their writes visible; nothing when launched without the attribute.
__device__ __forceinline__ void wait_for_predecessor() { asm volatile("griddepcontrol.wait;" ::: "memory"); }

// Lets the next kernel of the stream start, once every block has said so.
__device__ __forceinline__ void launch_dependents() { asm volatile("griddepcontrol.launch_dependents;" ::: "memory"); }

// ---- warpgroup matrix instructions ----

// Shared-memory matrix descriptor of a K-major operand with 128-byte swizzle: rows of 128 bytes, groups of 8 rows 1024 bytes
// apart (stride 64 in units of 16 bytes), the leading offset is not used (1). `address` is 1024-byte aligned, plus 32 bytes for
// each step along K inside the 128 bytes.
__device__ __forceinline__ uint64_t swizzled_descriptor(uint32_t address) {
  return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | (1ull << 16) | (64ull << 32) | (1ull << 62);
}

__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// Keeps the compiler from moving reads or writes of an accumulator over a wgmma_wait or wgmma_fence.
__device__ __forceinline__ void hold(float& value) { asm volatile("" : "+f"(value)::"memory"); }
__device__ __forceinline__ void hold(int& value) { asm volatile("" : "+r"(value)::"memory"); }

// Keeps A fragments in their registers until here, behind the wait for the wgmma that read them.
template <int kFragments>
__device__ __forceinline__ void hold(uint32_t (&a)[kFragments][4]) {
#pragma unroll
  for (int i = 0; i < kFragments; i++) {
    asm volatile("" : "+r"(a[i][0]), "+r"(a[i][1]), "+r"(a[i][2]), "+r"(a[i][3])::"memory");
  }
}

// Changes the registers a thread of this warpgroup (all its warps must execute it) owns; a multiple of 8.
template <int kRegisters>
__device__ __forceinline__ void more_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

template <int kRegisters>
__device__ __forceinline__ void fewer_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace ptx
