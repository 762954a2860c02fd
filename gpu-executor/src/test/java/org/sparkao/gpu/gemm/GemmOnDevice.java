package org.sparkao.gpu.gemm;

import java.util.Arrays;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/** The operands of a product on a device. Closing it frees them. */
final class GemmOnDevice implements AutoCloseable {
  private final GemmDevice on;
  private final Gemm gemm;
  private final GemmData data;
  private final Buffer x;
  private final Optional<Buffer> scalesOfX;
  private final Optional<Buffer> residual;

  GemmOnDevice(GemmDevice on, Gemm gemm, GemmData data) {
    this.on = on;
    this.gemm = gemm;
    this.data = data;
    this.x = on.bytes(data.x.bytes());
    this.scalesOfX = data.scalesOfX.map(on::floats);
    this.residual = data.residual.map(numbers -> on.bytes(numbers.bytes()));
  }

  /** A matrix of the weight, which may be closed once weights are prepared. */
  WeightMatrix matrix(int index) {
    GemmData.MatrixData matrix = data.matrices.get(index);
    return new WeightMatrix(
        on.bytes(matrix.codes().bytes()),
        matrix.storedScales().map(on::bytes),
        matrix.storedZeroPoints().map(on::bytes),
        matrix.bias().map(on::floats));
  }

  static void close(WeightMatrix matrix) {
    matrix.codes().close();
    matrix.scales().ifPresent(Buffer::close);
    matrix.zeroPoints().ifPresent(Buffer::close);
    matrix.bias().ifPresent(Buffer::close);
  }

  /** Rows first to first + m - 1, to y. */
  GemmCall call(int m, int first, Buffer y) {
    int wholeRows = Math.toIntExact(gemm.scalesOfX(data.rows));
    int each = wholeRows == 1 && gemm.operands().scalingOfX() == Scaling.TENSOR ? 0 : 1;
    long scaleBytes = each * Float.BYTES * gemm.scalesOfX(1);
    return new GemmCall(
        m,
        x.slice(gemm.bytesOfX(1) * first, gemm.bytesOfX(m)),
        scalesOfX.map(all -> all.slice(first * scaleBytes, Float.BYTES * gemm.scalesOfX(m))),
        residual.map(all -> all.slice(gemm.bytesOfY(1) * first, gemm.bytesOfY(m))),
        y);
  }

  /** Bytes of rows first to first + m - 1 of a result of all rows. */
  byte[] rows(byte[] all, int m, int first) {
    int rowBytes = Math.toIntExact(gemm.bytesOfY(1));
    return Arrays.copyOfRange(all, first * rowBytes, (first + m) * rowBytes);
  }

  @Override
  public void close() {
    x.close();
    scalesOfX.ifPresent(Buffer::close);
    residual.ifPresent(Buffer::close);
  }
}
