// Losses of training over the whole vocabulary, with their gradients in place of the logits.
//
// train_losses_cross_entropy_<n>   one block a row, two passes: running maximum and sum, then the gradient; what fits of the row stays in
//     shared memory in between
// train_losses_divergence_<n>      the same with two rows, of student and teacher, and where labels > 0 with the cross entropy, too
//
// Shapes (last axis contiguous): logits and teacher [rows, vocabulary] in fp32 or bf16; losses [rows]. <n> logits a thread at a time: 8
// where the vocabulary is a multiple of 8 (vectors of 16 bytes), else 1. Grid rows, block 512.
// Bound: device memory: every logit is read once and written once.
// A row's order of sums follows from its length alone.
// Sources: Milakov and Gimelshein 2018 (softmax in one pass); Hinton, Vinyals, Dean 2015 (distillation).
#include "losses.cuh"

// is_bf16: bit 0 logits, 1 teacher. targets: [rows], -1 where there is none; not read where labels is 0. kept: columns of a row in shared memory, a multiple of 8.
#define TRAIN_LOSSES_CROSS_ENTROPY(count)                                                                                        \
  extern "C" __global__ void __launch_bounds__(train_losses::kThreads, 2) train_losses_cross_entropy_##count(                    \
      void* logits, const int* targets, float weight, float* losses, int vocabulary, int kept, int is_bf16) {                    \
    extern __shared__ __align__(16) unsigned char front[];                                                                       \
    reduce::release_successor();                                                                                                 \
    reduce::wait_for_predecessor();                                                                                              \
    const bool bf16 = (is_bf16 & 1) != 0;                                                                                        \
    const train_losses::Row row = {{logits, bf16}, {front, bf16}, static_cast<long long>(blockIdx.x) * vocabulary, kept};        \
    train_losses::cross_entropy<count>(row, targets[blockIdx.x], weight, losses + blockIdx.x, vocabulary);                       \
  }

TRAIN_LOSSES_CROSS_ENTROPY(1)
TRAIN_LOSSES_CROSS_ENTROPY(8)

#define TRAIN_LOSSES_DIVERGENCE(count)                                                                                           \
  extern "C" __global__ void __launch_bounds__(train_losses::kThreads, 2) train_losses_divergence_##count(                       \
      void* logits, void* teacher, const int* targets, float labels, float temperature, float weight, float* losses,             \
      int vocabulary, int kept, int is_bf16) {                                                                                   \
    extern __shared__ __align__(16) unsigned char front[];                                                                       \
    reduce::release_successor();                                                                                                 \
    reduce::wait_for_predecessor();                                                                                              \
    const bool bf16 = (is_bf16 & 1) != 0, teacher_bf16 = (is_bf16 & 2) != 0;                                                     \
    const long long begin = static_cast<long long>(blockIdx.x) * vocabulary;                                                     \
    const train_losses::Row row = {{logits, bf16}, {front, bf16}, begin, kept};                                                  \
    const train_losses::Row right = {{teacher, teacher_bf16}, {front + (bf16 ? 2 : 4) * kept, teacher_bf16}, begin, kept};       \
    const train_losses::Wanted wanted = {right, temperature, labels > 0 ? targets[blockIdx.x] : -1, labels};                     \
    train_losses::divergence<count>(row, wanted, weight, losses + blockIdx.x, vocabulary);                                       \
  }

TRAIN_LOSSES_DIVERGENCE(1)
TRAIN_LOSSES_DIVERGENCE(8)
