package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** One kernel for all steps; 4, 8 or 16 lanes hold a head. */
public final class CudaHeadPreparation implements HeadPreparation {
  private static final int THREADS = 128;
  private static final int STEP = 16;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaHeadPreparation(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void prepare(Buffer qkv, HeadShape shape, Places places, Steps steps) {
    steps.check(qkv, shape, places);
    LayerShapes.checkMultiple("head dimension", shape.dimension(), STEP);
    KvCache.Type type = steps.cache().map(KvCache::type).orElse(KvCache.Type.BF16);
    Launch launch =
        library
            .kernel(LayerKernels.OP, "layer_rope_append_" + type.kernelName())
            .launch(places.rows() + " rows of " + shape)
            .grid(places.rows(), LayerShapes.ceilDiv(shape.heads() * lanes(shape), THREADS))
            .block(THREADS)
            .dependent()
            .with(qkv)
            .with(places.positions());
    LayerKernels.add(launch, places.sequences());
    LayerKernels.add(launch, steps.rotation().map(Rotation::cosines));
    LayerKernels.add(launch, steps.rotation().map(Rotation::sines));
    LayerKernels.add(launch, steps.norms().map(Norms::query));
    LayerKernels.add(launch, steps.norms().map(Norms::key));
    LayerKernels.add(launch, steps.cache().map(KvCache::keys));
    LayerKernels.add(launch, steps.cache().map(KvCache::values));
    LayerKernels.add(launch, steps.cache().flatMap(KvCache::keyScales));
    LayerKernels.add(launch, steps.cache().flatMap(KvCache::valueScales));
    launch
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(shape.dimension())
        .with(steps.cache().map(KvCache::capacity).orElse(0))
        .with(steps.cache().map(KvCache::perToken).orElse(false) ? 1 : 0)
        .with(steps.norms().map(Norms::epsilon).orElse(0f))
        .run();
  }

  private static int lanes(HeadShape shape) {
    if (shape.dimension() <= 64) {
      return 4;
    }
    return shape.dimension() <= 128 ? 8 : 16;
  }
}
