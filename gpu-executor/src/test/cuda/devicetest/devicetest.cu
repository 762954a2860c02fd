// Kernels of the tests of the device layer: each shows that one way of launching works. Nothing here is fast.

// out[i] = in[i] * factor for i < count.
extern "C" __global__ void devicetest_scale(const float* in, float* out, int count, float factor) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    out[i] = in[i] * factor;
  }
}

// out[i] = count - 1 - i for i < count, through dynamic shared memory of count floats; one block.
extern "C" __global__ void devicetest_shared(float* out, int count) {
  extern __shared__ float numbers[];
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    numbers[i] = static_cast<float>(i);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    out[i] = numbers[count - 1 - i];
  }
}

// *number = 3 * *number + 1, after the kernel before: right only when launches keep their order.
extern "C" __global__ void devicetest_next(int* number) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
  if (threadIdx.x == 0) {
    *number = 3 * *number + 1;
  }
}

// An argument of every kind: out = {value, small, whether absent is null}.
extern "C" __global__ void devicetest_kinds(long long* out, const float* absent, long long value, int small) {
  if (threadIdx.x == 0) {
    out[0] = value;
    out[1] = small;
    out[2] = absent == nullptr;
  }
}
