package org.sparkao.gpu.model.cuda;

import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.module.KernelLibrary;

/** The operators of a model on a GPU. */
public final class CudaModelOperators {
  private CudaModelOperators() {}

  /** Operators in an arithmetic; the caller closes them, the library stays the caller's. */
  public static ModelOperators of(KernelLibrary library, CudaModelOptions options) {
    return options.arithmetic() == Arithmetic.BF16
        ? new CudaBf16Operators(library, options)
        : new CudaFp32Operators(library);
  }
}
