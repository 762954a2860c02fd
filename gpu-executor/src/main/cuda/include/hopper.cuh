// What kernels of Hopper alone are in a build for several architectures.
#pragma once

// Statements that only sm_90a can have; a kernel without them must not be launched, and stops if it is.
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define HOPPER_BODY(...) __VA_ARGS__;
#else
#define HOPPER_BODY(...) __trap();
#endif

// Blocks of a cluster, where there are clusters.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define CLUSTER_OF(blocks)
#else
#define CLUSTER_OF(blocks) __cluster_dims__(blocks, 1, 1)
#endif
