package org.sparkao.gpu.train.cuda;

import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.gemm.PrefillWidth;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Float8;
import org.sparkao.gpu.train.Float8Matrix;
import org.sparkao.gpu.train.Float8Products;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.quant.format.WeightType;

/**
 * The launcher of {@code train_float8}, and of the product of {@code gemm_prefill} that it begins
 * with.
 */
final class CudaFloat8Products implements Float8Products {
  private static final String OP = "train_float8";
  private static final String PREFILL = "gemm_prefill";
  private static final int AMAX_ROWS = 128;
  private static final int AMAX_COLUMNS = 256;
  private static final int THREADS = 256;
  private static final int PAIR_ROWS = 256;
  private static final int PRODUCT_THREADS = 384;
  private static final int PRODUCT_SHARED_BYTES = 232_448;

  private final KernelLibrary library;
  private final Workspace workspace;
  private final Float8 scaling;
  private final int multiprocessors;

  CudaFloat8Products(KernelLibrary library, Workspace workspace, Float8 scaling) {
    if (!library.hopper()) {
      throw new GpuException(GpuErrors.float8NeedsHopper(library.device().info().label()));
    }
    if (scaling == Float8.NONE) {
      throw new IllegalArgumentException("float8 products without a scaling");
    }
    this.library = library;
    this.workspace = workspace;
    this.scaling = scaling;
    this.multiprocessors = library.device().info().multiprocessors();
  }

  /** One side of a product: rows of codes along the depth. */
  private record Operand(Buffer codes, Buffer scales, int rows, int depth) {
    static Operand rows(CudaFloat8Matrix of) {
      return new Operand(of.codesByRows(), of.scalesOfRows(), of.rows(), of.columns());
    }

    /** Columns as rows; a scale of the whole matrix stands at the first row's place. */
    static Operand columns(CudaFloat8Matrix of, Float8 scaling) {
      Buffer scales = scaling == Float8.ROWWISE ? of.scalesOfColumns() : of.scalesOfRows();
      return new Operand(of.codesByColumns(), scales, of.columns(), of.rows());
    }
  }

  @Override
  public Float8Matrix allocate(int rows, int columns) {
    requireStep(columns);
    Buffer memory = library.device().allocate(Float8Matrix.bytes(rows, columns));
    return new CudaFloat8Matrix(memory, rows, columns);
  }

  @Override
  public void quantize(Tensor x, Float8Matrix to) {
    quantize(CudaTensor.of(x), "e4m3", matrix(to));
  }

  private void quantize(CudaTensor x, String format, CudaFloat8Matrix to) {
    Shapes.equal("columns", x.columns(), to.columns());
    to.withRows(x.rows());
    if (x.rows() == 0) {
      return;
    }
    boolean rowwise = scaling == Float8.ROWWISE;
    String what = x.rows() + "x" + x.columns() + " " + x.type();
    library.device().stream().fill(to.amaxOfRows(), (byte) 0);
    Launch amax =
        library
            .kernel(OP, OP + (rowwise ? "_amax_rows" : "_amax_tensor"))
            .launch(what)
            .grid(
                TensorLaunch.ceilDiv(x.columns(), AMAX_COLUMNS),
                TensorLaunch.ceilDiv(x.rows(), AMAX_ROWS))
            .block(THREADS)
            .dependent()
            .with(x.buffer())
            .with(TensorLaunch.type(x))
            .with(x.rows())
            .with(x.columns())
            .with(to.amaxOfRows());
    if (rowwise) {
      amax.with(to.amaxOfColumns());
    }
    amax.run();
    String type = x.type() == WeightType.BF16 ? "_bf16" : "_fp32";
    library
        .kernel(OP, OP + "_cast_" + format + (rowwise ? "_rows" : "_tensor") + type)
        .launch(what)
        .grid(
            TensorLaunch.ceilDiv(x.columns(), Float8Matrix.TILE),
            TensorLaunch.ceilDiv(x.rows(), Float8Matrix.TILE))
        .block(THREADS)
        .dependent()
        .with(x.buffer())
        .with(x.rows())
        .with(x.columns())
        .with(to.amaxOfRows())
        .with(to.amaxOfColumns())
        .with(to.codesByRows())
        .with(to.codesByColumns())
        .with(to.scalesOfRows())
        .with(to.scalesOfColumns())
        .run();
  }

  @Override
  public void product(Float8Matrix x, Float8Matrix weight, Optional<Tensor> bias, Tensor y) {
    requireStep(y.columns());
    Operand a = Operand.rows(matrix(x));
    Operand b = Operand.rows(matrix(weight));
    CudaTensor to = result(a, b, y);
    if (to.rows() == 0) {
      return;
    }
    int columns = columns(a, b);
    int stride = scaling == Float8.ROWWISE ? 1 : 0;
    Launch launch =
        launch(PREFILL, "gemm_prefill_e4m3_n" + columns + "_p4", a, b, columns)
            .with(a.codes())
            .with(b.codes())
            .with(a.scales())
            .with(b.scales())
            .with(stride)
            .with(stride);
    bias.map(offsets -> TensorLaunch.fp32("a bias", offsets).buffer())
        .ifPresentOrElse(launch::with, launch::withNull);
    launch
        .with(to.buffer())
        .with(a.rows())
        .with(b.rows())
        .with(TensorLaunch.ceilDiv(a.depth(), Float8Matrix.TILE))
        .with(yType(to))
        .with(Float8Matrix.TILE)
        .run();
  }

  @Override
  public void gradients(
      Tensor dy, Float8Matrix x, Float8Matrix weight, Optional<Tensor> dw, Tensor dx) {
    requireStep(dy.columns());
    if (dy.rows() == 0) {
      return;
    }
    long bytes = Float8Matrix.bytes(dy.rows(), dy.columns());
    Buffer memory = workspace.get(Workspace.Slot.FLOAT8, bytes);
    CudaFloat8Matrix codes = new CudaFloat8Matrix(memory, dy.rows(), dy.columns());
    quantize(CudaTensor.of(dy), "e5m2", codes);
    Operand rows = Operand.rows(codes);
    multiply("input", rows, Operand.columns(matrix(weight), scaling), dx);
    if (dw.isPresent()) {
      CudaTensor to = TensorLaunch.fp32("a gradient of a weight", dw.get());
      multiply("weight", Operand.columns(codes, scaling), Operand.columns(matrix(x), scaling), to);
    }
  }

  private void multiply(String kind, Operand a, Operand b, Tensor y) {
    CudaTensor to = result(a, b, y);
    int columns = columns(a, b);
    launch(OP, OP + "_" + kind + "_n" + columns, a, b, columns)
        .with(a.codes())
        .with(b.codes())
        .with(a.scales())
        .with(b.scales())
        .with(scaling == Float8.ROWWISE ? 1 : 0)
        .with(to.buffer())
        .with(a.rows())
        .with(b.rows())
        .with(TensorLaunch.ceilDiv(a.depth(), Float8Matrix.TILE))
        .with(yType(to))
        .run();
  }

  private Launch launch(String op, String kernel, Operand a, Operand b, int columns) {
    int tiles = TensorLaunch.ceilDiv(a.rows(), PAIR_ROWS) * TensorLaunch.ceilDiv(b.rows(), columns);
    return library
        .kernel(op, kernel)
        .launch(a.rows() + "x" + b.rows() + "x" + a.depth())
        .grid(2 * Math.min(tiles, multiprocessors / 2))
        .block(PRODUCT_THREADS)
        .sharedBytes(PRODUCT_SHARED_BYTES)
        .dependent();
  }

  private int columns(Operand a, Operand b) {
    return PrefillWidth.of(a.rows(), b.rows(), false, multiprocessors).columns();
  }

  private static CudaTensor result(Operand a, Operand b, Tensor y) {
    Shapes.equal("the depth of a product", a.depth(), b.depth());
    return CudaTensor.of(Shapes.require(y, a.rows(), b.rows()));
  }

  private static int yType(CudaTensor y) {
    return y.type() == WeightType.BF16 ? 0 : 2;
  }

  private static void requireStep(int columns) {
    if (columns % STEP != 0) {
      throw new IllegalArgumentException(columns + " columns, no multiple of " + STEP);
    }
  }

  private static CudaFloat8Matrix matrix(Float8Matrix matrix) {
    if (matrix instanceof CudaFloat8Matrix cuda) {
      return cuda;
    }
    throw new GpuException(GpuErrors.otherDevice(matrix.getClass().getSimpleName(), "a GPU"));
  }
}
