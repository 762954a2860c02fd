package org.sparkao.quant.dense;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the inner loop of a JVM, once, and says so in the log when it is the slow one. */
final class TileKernelChoice {
  private static final Logger LOG = LoggerFactory.getLogger(TileKernelChoice.class);
  private static final String MODULE = "jdk.incubator.vector";

  private TileKernelChoice() {}

  static TileKernel choose() {
    if (ModuleLayer.boot().findModule(MODULE).isPresent()) {
      return new VectorTile();
    }
    LOG.warn("Matrix products by plain loops: start Java with --add-modules={}", MODULE);
    return new PlainTile();
  }
}
