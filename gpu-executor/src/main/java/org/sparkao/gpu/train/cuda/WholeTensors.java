package org.sparkao.gpu.train.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.quant.format.WeightType;

/** What is done to all numbers alike. */
final class WholeTensors {
  private static final int BLOCKS_OF_MULTIPROCESSOR = 8;
  private static final int SQUARES_OF_BLOCK = 128 * TensorLaunch.THREADS;

  private final KernelLibrary library;
  private final Workspace workspace;
  private final int mostBlocks;

  WholeTensors(KernelLibrary library, Workspace workspace) {
    this.library = library;
    this.workspace = workspace;
    this.mostBlocks = BLOCKS_OF_MULTIPROCESSOR * library.device().info().multiprocessors();
  }

  void zero(CudaTensor x) {
    if (x.elements() > 0) {
      library.device().stream().fill(x.buffer(), (byte) 0);
    }
  }

  /** y = x, of either type each. */
  void copy(CudaTensor x, CudaTensor y) {
    combine(x, y, 1, false);
  }

  /** y = y + x. */
  void add(CudaTensor x, CudaTensor y) {
    combine(x, y, 1, true);
  }

  /** x = factor x. */
  void scale(CudaTensor x, float factor) {
    combine(x, x, factor, false);
  }

  private void combine(CudaTensor x, CudaTensor y, float factor, boolean add) {
    if (x.elements() > 0) {
      TensorLaunch.whole(combination(x), y).with(factor).with(add ? 1 : 0).with(x.elements()).run();
    }
  }

  private Launch combination(CudaTensor x) {
    int threads = TensorLaunch.ceilDiv(x.elements(), TensorLaunch.EIGHT);
    int blocks = Math.min(TensorLaunch.ceilDiv(threads, TensorLaunch.THREADS), mostBlocks);
    return TensorLaunch.whole(TensorLaunch.of(library, "combine", x, blocks), x);
  }

  /** A copy in another type, valid until the slot is asked for again. */
  Buffer converted(CudaTensor x, WeightType type, Workspace.Slot slot) {
    Buffer copy = workspace.get(slot, type.bytes() * x.elements());
    combination(x)
        .with(copy)
        .with(type == WeightType.BF16 ? 1 : 0)
        .with(1)
        .with(1f)
        .with(0)
        .with(x.elements())
        .run();
    return copy;
  }

  /** Blocks' sums in fp64, added on the host. */
  double[] squaredNorms(List<CudaTensor> tensors) {
    int[] ends = new int[tensors.size()];
    int all = 0;
    for (int i = 0; i < ends.length; i++) {
      all += TensorLaunch.ceilDiv(tensors.get(i).elements(), SQUARES_OF_BLOCK);
      ends[i] = all;
    }
    if (all == 0) {
      return new double[ends.length];
    }
    Buffer squares = workspace.get(Workspace.Slot.SQUARES, (long) Double.BYTES * all);
    for (int i = 0, begin = 0; i < ends.length; begin = ends[i++]) {
      if (ends[i] > begin) {
        CudaTensor tensor = tensors.get(i);
        Launch launch = TensorLaunch.of(library, "squares", tensor, ends[i] - begin);
        long bytes = (long) Double.BYTES * (ends[i] - begin);
        TensorLaunch.whole(launch, tensor)
            .with(tensor.elements())
            .with(squares.slice((long) Double.BYTES * begin, bytes))
            .run();
      }
    }
    ByteBuffer read = ByteBuffer.allocate(Double.BYTES * all).order(ByteOrder.LITTLE_ENDIAN);
    library.device().read(squares, 0, read.duplicate());
    double[] sums = new double[ends.length];
    for (int i = 0, at = 0; i < ends.length; i++) {
      for (; at < ends[i]; at++) {
        sums[i] += read.getDouble(Double.BYTES * at);
      }
    }
    return sums;
  }
}
