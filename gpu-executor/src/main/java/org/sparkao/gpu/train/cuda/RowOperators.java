package org.sparkao.gpu.train.cuda;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.train.NormWeight;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TrainingOperators.Relative;

/** Norms, gradients of biases, gates and relative errors. */
final class RowOperators {
  private static final int ROWS_OF_BLOCK = 4;
  private static final int ROW_THREADS = 128;
  private static final int COLUMNS_OF_BLOCK = 256;
  private static final int ROWS_OF_PART = 128;
  private static final int COLUMNS_OF_SUM = 32;
  private static final int ADDING_THREADS = 1024;

  private final KernelLibrary library;
  private final Workspace workspace;

  RowOperators(KernelLibrary library, Workspace workspace) {
    this.library = library;
    this.workspace = workspace;
  }

  /** A launch with a warp a row. */
  private Launch rows(String kernel, CudaTensor x) {
    int blocks = TensorLaunch.ceilDiv(x.rows(), ROWS_OF_BLOCK);
    return TensorLaunch.of(library, kernel, x, blocks).block(ROW_THREADS);
  }

  void norm(CudaTensor x, NormWeight norm, CudaTensor y) {
    Shapes.require(norm.weight(), 1, x.columns());
    if (x.rows() > 0) {
      Launch launch = TensorLaunch.rows(rows("norm", x), x);
      TensorLaunch.rows(launch, CudaTensor.of(norm.weight()));
      TensorLaunch.rows(launch, y).with(x.rows()).with(x.columns()).with(norm.epsilon()).run();
    }
  }

  void normGradient(CudaTensor x, NormWeight norm, CudaTensor dy, CudaTensor dx) {
    Shapes.require(norm.weight(), 1, x.columns());
    norm.gradient().ifPresent(gradient -> Shapes.require(gradient, 1, x.columns()));
    if (x.rows() == 0) {
      return;
    }
    Buffer roots = workspace.get(Workspace.Slot.ROOTS, (long) Float.BYTES * x.rows());
    Launch launch = TensorLaunch.rows(rows("norm_gradient", x), x);
    TensorLaunch.rows(launch, CudaTensor.of(norm.weight()));
    TensorLaunch.rows(launch, dy);
    TensorLaunch.rows(launch, dx)
        .with(roots)
        .with(x.rows())
        .with(x.columns())
        .with(norm.epsilon())
        .run();
    norm.gradient()
        .ifPresent(
            gradient -> {
              Launch sums = TensorLaunch.rows(columns("norm_sums", dy), dy);
              TensorLaunch.rows(sums, x).with(roots);
              addColumns(sums, dy, CudaTensor.of(gradient));
            });
  }

  /** Adds every row to a vector. */
  void addRows(CudaTensor dy, CudaTensor sums) {
    if (dy.rows() > 0) {
      addColumns(TensorLaunch.rows(columns("sums", dy), dy), dy, sums);
    }
  }

  private Launch columns(String kernel, CudaTensor dy) {
    int wide = TensorLaunch.ceilDiv(dy.columns(), COLUMNS_OF_BLOCK);
    return TensorLaunch.of(library, kernel, dy, wide).grid(wide, parts(dy));
  }

  private static int parts(CudaTensor dy) {
    return TensorLaunch.ceilDiv(dy.rows(), ROWS_OF_PART);
  }

  /** Runs a launch that leaves sums of some rows each, and adds them in their order. */
  private void addColumns(Launch launch, CudaTensor dy, CudaTensor to) {
    int parts = parts(dy);
    long bytes = (long) Float.BYTES * parts * dy.columns();
    Buffer sums = workspace.get(Workspace.Slot.PARTS, bytes);
    launch.with(sums).with(dy.rows()).with(dy.columns()).run();
    int blocks = TensorLaunch.ceilDiv(dy.columns(), COLUMNS_OF_SUM);
    Launch adding = TensorLaunch.of(library, "add_sums", to, blocks).block(ADDING_THREADS);
    TensorLaunch.whole(adding.with(sums).with(parts).with(dy.columns()), to).run();
  }

  void gate(CudaTensor gateUp, CudaTensor y) {
    if (y.rows() > 0) {
      Launch launch = TensorLaunch.of(library, "gate", y, eights(y));
      halves(launch, gateUp, y);
      TensorLaunch.rows(launch, y).with(y.rows()).with(y.columns()).run();
    }
  }

  void gateGradient(CudaTensor gateUp, CudaTensor dy, CudaTensor dGateUp) {
    if (dy.rows() > 0) {
      Launch launch = TensorLaunch.of(library, "gate_gradient", dy, eights(dy));
      halves(launch, gateUp, dy);
      TensorLaunch.rows(launch, dy);
      halves(launch, dGateUp, dy);
      launch.with(dy.rows()).with(dy.columns()).run();
    }
  }

  /** Rows of gates, then ups: eights are those of a half. */
  private static void halves(Launch launch, CudaTensor gateUp, CudaTensor half) {
    boolean aligned = half.columns() % TensorLaunch.EIGHT == 0 && TensorLaunch.isAligned(gateUp);
    launch.with(gateUp.buffer()).with(TensorLaunch.type(gateUp)).with(aligned ? 1 : 0);
  }

  private static int eights(CudaTensor y) {
    return TensorLaunch.eights(y.rows(), y.columns());
  }

  void relativeError(CudaTensor y, CudaTensor target, Relative relative, CudaTensor losses) {
    if (y.rows() > 0) {
      Launch launch = TensorLaunch.rows(rows("relative_error", y), y);
      TensorLaunch.rows(launch, target).with(relative.factor()).with(relative.weight());
      TensorLaunch.rows(launch, losses).with(y.rows()).with(y.columns()).run();
    }
  }
}
