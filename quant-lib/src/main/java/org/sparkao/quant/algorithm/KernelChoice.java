package org.sparkao.quant.algorithm;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the inner loops of a JVM, once, and says so in the log. */
final class KernelChoice {
  private static final Logger LOG = LoggerFactory.getLogger(KernelChoice.class);
  private static final String MODULE = "jdk.incubator.vector";

  private KernelChoice() {}

  static GroupKernels choose() {
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      LOG.warn(
          "Quantizing with plain loops, some twenty times slower: start Java with --add-modules={}",
          MODULE);
      return new PlainKernels();
    }
    if (!VectorKernels.supported()) {
      LOG.warn("Quantizing with plain loops: this processor has no vectors of 256 bits");
      return new PlainKernels();
    }
    GroupKernels kernels = new VectorKernels();
    LOG.info("Quantizing with {}", kernels.name());
    return kernels;
  }
}
