package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaStream;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;

/**
 * Round to nearest on a GPU, under ranges as they are or searched. Each slice goes to the device,
 * is quantized, measured and copied back in the stream of a slot of the workspace; two slots take
 * turns.
 */
final class CudaQuantizer implements SliceQuantizer {

  /** A slice on its way. */
  private record Slice(QuantizeWorkspace.Slot slot, SliceLayout layout, long rowBegin, int rows) {}

  private final QuantizeRequest request;
  private final QuantizeWorkspace workspace;
  private final DeviceScheme scheme;
  private final DeviceGrid grid;
  private final QuantizeKernels kernels;
  private final OutputParts parts;
  private final Optional<TensorConstants> constants;
  private final int columns;
  private final RowStatistics statistics = new RowStatistics();
  private final Deque<Slice> slices = new ArrayDeque<>();
  private DeviceTimes times = DeviceTimes.NONE;
  private int turn;

  /**
   * A quantizer for a request that {@link DeviceQuantizers} has checked.
   *
   * @param range given where the scheme needs one
   */
  CudaQuantizer(
      QuantizeWorkspace workspace,
      QuantizeRequest request,
      List<PackedPart> parts,
      Optional<TensorRange> range) {
    this.request = request;
    this.workspace = workspace;
    this.columns = Math.toIntExact(request.weight().columns());
    this.scheme = DeviceScheme.of(request);
    this.grid = DeviceGrid.of(request.scheme().weights().granularity(), columns);
    this.kernels = new QuantizeKernels(workspace.kernels(), request.weight().dtype(), scheme, grid);
    if (request.algorithm() == WeightAlgorithm.MSE) {
      kernels.searching(workspace.powersOfErrors(request.weight().dtype()));
    }
    this.parts = new OutputParts(request.weight(), parts, grid.wholeTensor());
    this.constants =
        range.map(known -> TensorConstants.of(workspace, kernels, scheme.asymmetric(), known));
    workspace.startClock();
  }

  @Override
  public List<PackedPart> parts() {
    return parts.list();
  }

  @Override
  public int sliceRowMultiple() {
    return parts.sliceRowMultiple();
  }

  @Override
  public int depth() {
    return workspace.slots().size();
  }

  @Override
  public int underWay() {
    return slices.size();
  }

  @Override
  public void quantize(byte[] source, int sourceOffset, long rowBegin, int rows, byte[][] out) {
    if (!slices.isEmpty()) {
      throw new IllegalStateException(slices.size() + " slices are under way; take them first");
    }
    submit(source, sourceOffset, rowBegin, rows);
    take(out);
  }

  @Override
  public void submit(byte[] source, int sourceOffset, long rowBegin, int rows) {
    if (slices.size() == depth()) {
      throw new IllegalStateException(depth() + " slices are under way; take one first");
    }
    parts.checkBegin(rowBegin);
    QuantizeWorkspace.Slot slot = workspace.slots().get(turn);
    SliceLayout layout = layout(rowBegin, rows);
    slot.reserve(layout.bytes(), layout.weightBytes(), layout.outputBytes());
    slot.source().buffer().put(source, sourceOffset, layout.weightBytes());
    workspace.device().on(slot.stream(), () -> launch(slot, layout, rows));
    slices.add(new Slice(slot, layout, rowBegin, rows));
    turn = (turn + 1) % depth();
  }

  @Override
  public void take(byte[][] out) {
    if (slices.isEmpty()) {
      throw new IllegalStateException("no slice is under way; submit one first");
    }
    Slice slice = slices.remove();
    slice.slot.done().synchronize();
    times = times.plus(workspace.times(slice.slot));
    SliceLayout layout = slice.layout;
    ByteBuffer output = slice.slot.output().buffer();
    int[] sizes = layout.sizes();
    output.get(layout.at(SliceLayout.CODES), out[parts.codes()], 0, sizes[SliceLayout.CODES]);
    if (!grid.wholeTensor()) {
      output.get(layout.at(SliceLayout.SCALES), out[parts.scale()], 0, sizes[SliceLayout.SCALES]);
      if (scheme.asymmetric()) {
        int at = layout.at(SliceLayout.ZERO_POINTS);
        output.get(at, out[parts.zeroPoint()], 0, sizes[SliceLayout.ZERO_POINTS]);
      }
    }
    if (slice.rowBegin == 0) {
      writeWholeParts(out);
    }
    ByteBuffer sums = output.slice(layout.at(SliceLayout.SUMS), sizes[SliceLayout.SUMS]);
    statistics.add(sums.order(ByteOrder.LITTLE_ENDIAN), slice.rows, columns);
  }

  @Override
  public TensorStatistics statistics() {
    return statistics.statistics();
  }

  @Override
  public DeviceTimes times() {
    return times;
  }

  @Override
  public void close() {
    while (!slices.isEmpty()) {
      slices.remove().slot.done().synchronize();
    }
  }

  private SliceLayout layout(long rowBegin, int rows) {
    int scales = grid.wholeTensor() ? 0 : grid.scales(rows);
    int[] sizes = {
      parts.bytes(parts.codes(), rowBegin, rows),
      scales == 0 ? 0 : parts.bytes(parts.scale(), rowBegin, rows),
      scales == 0 || !scheme.asymmetric() ? 0 : parts.bytes(parts.zeroPoint(), rowBegin, rows),
      Math.multiplyExact(rows, RowStatistics.BYTES)
    };
    int weightBytes = Math.toIntExact(rows * request.weight().rowBytes());
    return SliceLayout.of(weightBytes, scales, packedZeroPoints(), sizes);
  }

  private boolean packedZeroPoints() {
    return scheme.asymmetric() && scheme.packed();
  }

  private void launch(QuantizeWorkspace.Slot slot, SliceLayout layout, int rows) {
    CudaStream stream = slot.stream();
    Buffer memory = slot.memory();
    Buffer weights = memory.slice(0, layout.weightBytes());
    stream.record(slot.begin());
    stream.upload(slot.source().slice(0, layout.weightBytes()), weights);
    stream.record(slot.copied());
    MatrixOnDevice matrix = matrix(memory, weights, layout, rows);
    kernels.quantize(matrix, rows, columns);
    if (packedZeroPoints()) {
      Buffer words = layout.piece(memory, SliceLayout.ZERO_POINTS);
      kernels.packZeroPoints(matrix.zeroPoints().orElseThrow(), words, rows);
    }
    kernels.statistics(matrix, layout.piece(memory, SliceLayout.SUMS), rows, columns);
    stream.record(slot.computed());
    int outputBytes = layout.outputBytes();
    stream.download(
        memory.slice(layout.output(), outputBytes), slot.output().slice(0, outputBytes));
    stream.record(slot.done());
  }

  private MatrixOnDevice matrix(Buffer memory, Buffer weights, SliceLayout layout, int rows) {
    Buffer codes = layout.piece(memory, SliceLayout.CODES);
    if (grid.wholeTensor()) {
      TensorConstants known = constants.orElseThrow();
      return new MatrixOnDevice(
          Optional.of(weights),
          codes,
          known.scale(),
          Optional.empty(),
          Optional.of(known.record()),
          Optional.empty());
    }
    int scales = grid.scales(rows);
    Buffer records = memory.slice(layout.records(), (long) scales * MatrixOnDevice.RECORD_BYTES);
    Optional<Buffer> zeroPoints = Optional.empty();
    if (scheme.asymmetric()) {
      zeroPoints =
          Optional.of(
              scheme.packed()
                  ? memory.slice(layout.rawZeroPoints(), scales)
                  : layout.piece(memory, SliceLayout.ZERO_POINTS));
    }
    return new MatrixOnDevice(
        Optional.of(weights),
        codes,
        layout.piece(memory, SliceLayout.SCALES),
        zeroPoints,
        Optional.of(records),
        scheme.hasFactor() ? constants.map(TensorConstants::factor) : Optional.empty());
  }

  private void writeWholeParts(byte[][] out) {
    parts.writeShape(out);
    if (grid.wholeTensor()) {
      TensorConstants known = constants.orElseThrow();
      known.copyScale(out[parts.scale()], Math.toIntExact(parts().get(parts.scale()).bytes()));
      if (scheme.asymmetric()) {
        known.copyZeroPoint(out[parts.zeroPoint()]);
      }
    }
    if (scheme.hasFactor()) {
      constants.orElseThrow().copyFactor(out[parts.global()]);
    }
  }
}
