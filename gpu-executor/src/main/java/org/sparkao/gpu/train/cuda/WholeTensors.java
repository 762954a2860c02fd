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
final class WholeTensors implements AutoCloseable {
  private static final String COMBINE = "combine";
  private static final int BLOCKS_OF_MULTIPROCESSOR = 8;

  private final KernelLibrary library;
  private final Workspace workspace;
  private final TensorTables tables;
  private final int mostBlocks;

  WholeTensors(KernelLibrary library, Workspace workspace) {
    this.library = library;
    this.workspace = workspace;
    this.tables = new TensorTables(library.device());
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

  /** y = y + factor x. */
  void add(CudaTensor x, float factor, CudaTensor y) {
    combine(x, y, factor, true);
  }

  /** x = factor x. */
  void scale(CudaTensor x, float factor) {
    combine(x, x, factor, false);
  }

  /** y = y * x. */
  void multiply(CudaTensor x, CudaTensor y) {
    if (x.elements() > 0) {
      TensorLaunch.whole(pointwise("multiply", x), y).with(x.elements()).run();
    }
  }

  private void combine(CudaTensor x, CudaTensor y, float factor, boolean add) {
    if (x.elements() > 0) {
      TensorLaunch.whole(pointwise(COMBINE, x), y)
          .with(factor)
          .with(add ? 1 : 0)
          .with(x.elements())
          .run();
    }
  }

  private Launch pointwise(String kernel, CudaTensor x) {
    int threads = TensorLaunch.ceilDiv(x.elements(), TensorLaunch.EIGHT);
    int blocks = Math.min(TensorLaunch.ceilDiv(threads, TensorLaunch.THREADS), mostBlocks);
    return TensorLaunch.whole(TensorLaunch.of(library, kernel, x, blocks), x);
  }

  /** A copy in another type, valid until the slot is asked for again. */
  Buffer converted(CudaTensor x, WeightType type, Workspace.Slot slot) {
    Buffer copy = workspace.get(slot, type.bytes() * x.elements());
    pointwise(COMBINE, x)
        .with(copy)
        .with(type == WeightType.BF16 ? 1 : 0)
        .with(1)
        .with(1f)
        .with(0)
        .with(x.elements())
        .run();
    return copy;
  }

  /** x = 0 for all. */
  void zero(List<CudaTensor> tensors) {
    if (!tensors.isEmpty()) {
      many("zeros", tables.of(tensors)).run();
    }
  }

  private Launch many(String kernel, TensorTables.Table table) {
    return TensorLaunch.of(library, kernel, table.ends().length + " tensors", table.blocks())
        .with(table.entries())
        .with(table.ends().length);
  }

  /** Blocks' sums in fp64, added on the host. */
  double[] squaredNorms(List<CudaTensor> tensors) {
    double[] sums = new double[tensors.size()];
    if (sums.length == 0) {
      return sums;
    }
    TensorTables.Table table = tables.of(tensors);
    int bytes = Math.multiplyExact(Double.BYTES, table.blocks());
    Buffer squares = workspace.get(Workspace.Slot.SQUARES, bytes);
    many("squares", table).with(squares).run();
    ByteBuffer read = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    library.device().read(squares, 0, read.duplicate());
    for (int i = 0, at = 0; i < sums.length; i++) {
      for (; at < table.ends()[i]; at++) {
        sums[i] += read.getDouble(Double.BYTES * at);
      }
    }
    return sums;
  }

  @Override
  public void close() {
    tables.close();
  }
}
