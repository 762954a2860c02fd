package org.sparkao.gpu.train.cuda;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.train.cuda.ProductOperand.Depth;
import org.sparkao.quant.format.WeightType;

/**
 * The products of linear layers. In arithmetic bf16 the tensor core multiplies bf16 with fp32 sums,
 * after rounding what is fp32; sizes that are no multiples of 8 and arithmetic fp32 take a plain
 * kernel that rounds no operand.
 */
final class Products {
  private static final String OP = "gemm_train";
  private static final int TILE = 64;
  private static final int THREADS = 256;

  private final KernelLibrary library;
  private final WholeTensors whole;
  private final Arithmetic arithmetic;
  private final HopperProducts hopper;

  Products(KernelLibrary library, Workspace workspace, WholeTensors whole, Arithmetic arithmetic) {
    this.library = library;
    this.whole = whole;
    this.arithmetic = arithmetic;
    this.hopper = new HopperProducts(library, workspace, whole);
  }

  /** y = x W^T + bias. */
  void product(CudaTensor x, CudaTensor weight, Optional<CudaTensor> bias, CudaTensor y) {
    if (y.elements() == 0) {
      return;
    }
    Optional<Buffer> offsets = bias.map(this::inFp32);
    ProductOperand a = new ProductOperand(x, Depth.COLUMNS);
    ProductOperand b = new ProductOperand(weight, Depth.COLUMNS);
    if (onTensorCore(a, b, y)) {
      hopper.rows(HopperProducts.Rows.PRODUCT, a, b, offsets, y);
    } else {
      plain(a, b, offsets, y, false);
    }
  }

  /** dx = dy W. */
  void inputGradient(CudaTensor dy, CudaTensor weight, CudaTensor dx) {
    if (dx.elements() == 0) {
      return;
    }
    ProductOperand a = new ProductOperand(dy, Depth.COLUMNS);
    ProductOperand b = new ProductOperand(weight, Depth.ROWS);
    if (onTensorCore(a, b, dx)) {
      hopper.rows(HopperProducts.Rows.INPUT, a, b, Optional.empty(), dx);
    } else {
      plain(a, b, Optional.empty(), dx, false);
    }
  }

  /** dw = dw + dy^T x. */
  void weightGradient(CudaTensor dy, CudaTensor x, CudaTensor dw) {
    if (x.rows() == 0) {
      return;
    }
    ProductOperand a = new ProductOperand(dy, Depth.ROWS);
    ProductOperand b = new ProductOperand(x, Depth.ROWS);
    if (onTensorCore(a, b, dw) && dw.type() == WeightType.F32) {
      hopper.addWeight(a, b, dw);
    } else {
      plain(a, b, Optional.empty(), dw, true);
    }
  }

  private boolean onTensorCore(ProductOperand a, ProductOperand b, CudaTensor y) {
    return arithmetic == Arithmetic.BF16
        && a.fitsTensorMap()
        && b.fitsTensorMap()
        && y.columns() % TensorLaunch.EIGHT == 0
        && TensorLaunch.isAligned(y);
  }

  private Buffer inFp32(CudaTensor bias) {
    return bias.type() == WeightType.F32 && TensorLaunch.isAligned(bias)
        ? bias.buffer()
        : whole.converted(bias, WeightType.F32, Workspace.Slot.BIAS);
  }

  private void plain(
      ProductOperand a, ProductOperand b, Optional<Buffer> bias, CudaTensor y, boolean add) {
    Launch launch =
        library
            .kernel(OP, OP + "_any")
            .launch(y.rows() + "x" + y.columns() + "x" + a.depth())
            .grid(TensorLaunch.ceilDiv(y.columns(), TILE), TensorLaunch.ceilDiv(y.rows(), TILE))
            .block(THREADS)
            .dependent();
    b.addTo(a.addTo(launch));
    bias.ifPresentOrElse(launch::with, launch::withNull);
    launch
        .with(y.buffer())
        .with(TensorLaunch.type(y))
        .with(add ? 1 : 0)
        .with(y.rows())
        .with(y.columns())
        .with(a.depth())
        .run();
  }
}
