package org.sparkao.gpu.train.cuda;

import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.format.WeightType;

/** Launches of {@code train_rows}, each dependent, and tensors as arguments of kernels. */
final class TensorLaunch {
  /** Numbers that a thread takes at a time. */
  static final int EIGHT = 8;

  /** Threads of most blocks. */
  static final int THREADS = 256;

  private static final String OP = "train_rows";
  private static final int ALIGNMENT = 16;

  private TensorLaunch() {}

  /** Begins a launch. */
  static Launch of(KernelLibrary library, String kernel, CudaTensor tensor, int blocks) {
    String what = tensor.rows() + "x" + tensor.columns() + " " + tensor.type();
    return of(library, kernel, what, blocks);
  }

  /** Begins a launch, described by a text. */
  static Launch of(KernelLibrary library, String kernel, String what, int blocks) {
    return library
        .kernel(OP, OP + "_" + kernel)
        .launch(what)
        .grid(blocks)
        .block(THREADS)
        .dependent();
  }

  /** Adds a tensor that is read or written by rows. */
  static Launch rows(Launch launch, CudaTensor tensor) {
    return add(launch, tensor, tensor.columns() % EIGHT == 0 && isAligned(tensor));
  }

  /** Adds a tensor whose numbers are one sequence. */
  static Launch whole(Launch launch, CudaTensor tensor) {
    return add(launch, tensor, isAligned(tensor));
  }

  private static Launch add(Launch launch, CudaTensor tensor, boolean aligned) {
    return launch.with(tensor.buffer()).with(type(tensor)).with(aligned ? 1 : 0);
  }

  /** A tensor that kernels take in fp32 alone. */
  static CudaTensor fp32(String what, Tensor tensor) {
    CudaTensor cuda = CudaTensor.of(tensor);
    if (cuda.type() != WeightType.F32) {
      throw new IllegalArgumentException(what + " in " + cuda.type() + ", fp32 is wanted");
    }
    return cuda;
  }

  /** How kernels call the type of a tensor. */
  static int type(CudaTensor tensor) {
    return tensor.type() == WeightType.BF16 ? 1 : 0;
  }

  /** Whether 16 bytes are read at a time. */
  static boolean isAligned(CudaTensor tensor) {
    return tensor.buffer().address() % ALIGNMENT == 0;
  }

  /** Blocks of threads with eight numbers of a row each. */
  static int eights(int rows, int columns) {
    return ceilDiv((long) rows * ceilDiv(columns, EIGHT), THREADS);
  }

  static int ceilDiv(long count, int step) {
    return Math.toIntExact((count + step - 1) / step);
  }
}
