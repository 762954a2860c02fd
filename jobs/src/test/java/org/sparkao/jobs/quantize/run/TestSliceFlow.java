package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.quantize.DeviceTimes;
import org.sparkao.gpu.quantize.SliceQuantizer;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.MatrixView;
import org.sparkao.quant.checkpoint.StoredForm;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.TensorEntry;

/** The order of slices, and what happens when the device is full, on a device that is none. */
class TestSliceFlow {
  private final List<String> events = new ArrayList<>();

  /** Says what it is told; takes at most so many rows at once. */
  private final class Recorder implements SliceQuantizer {
    private final Deque<String> slices = new ArrayDeque<>();
    private final int mostRows;
    private final int multiple;

    Recorder(int mostRows, int multiple) {
      this.mostRows = mostRows;
      this.multiple = multiple;
    }

    @Override
    public int depth() {
      return 2;
    }

    @Override
    public int underWay() {
      return slices.size();
    }

    @Override
    public void submit(byte[] source, int sourceOffset, long rowBegin, int rows) {
      if (rows > mostRows) {
        throw new OutOfDeviceMemoryException(rows + " rows do not fit");
      }
      assertThat(source[sourceOffset]).isEqualTo((byte) rowBegin);
      slices.add("take " + rowBegin);
      events.add("submit " + rowBegin + "+" + rows);
    }

    @Override
    public void take(byte[][] out) {
      events.add(slices.remove());
    }

    @Override
    public DeviceTimes times() {
      return DeviceTimes.NONE;
    }

    @Override
    public void close() {
      slices.clear();
      events.add("close");
    }

    @Override
    public List<PackedPart> parts() {
      return List.of();
    }

    @Override
    public int sliceRowMultiple() {
      return multiple;
    }

    @Override
    public void quantize(byte[] source, int sourceOffset, long rowBegin, int rows, byte[][] out) {
      throw new AssertionError("not one by one");
    }

    @Override
    public TensorStatistics statistics() {
      return TensorStatistics.EMPTY;
    }
  }

  /** Rows of 4 bytes, the first of which is the number of the row. */
  private static byte[] rows(int begin, int count) {
    byte[] source = new byte[4 * count];
    for (int i = 0; i < count; i++) {
      source[4 * i] = (byte) (begin + i);
    }
    return source;
  }

  private void flow(Recorder device, int slice) throws IOException {
    TensorEntry entry = new TensorEntry("w", DType.BF16, List.of(12L, 2L), 0, 48);
    WeightSource weight =
        new WeightSource(
            new CheckpointTensor("f", entry),
            new StoredForm.Plain(DType.BF16),
            new MatrixView(0, MatrixView.Axes.ROWS_FIRST, 0, 12));
    try (SliceFlow flow =
        new SliceFlow(
            device,
            new WeightSlices(weight, device),
            4,
            new TaskClock(),
            (row, count) -> events.add("write " + row + "+" + count))) {
      for (int row = 0; row < 12; row += slice) {
        flow.put(rows(row, slice), row, slice);
      }
      flow.finish();
    }
  }

  @Test
  void oneIsUnderWayWhileTheNextIsRead() throws IOException {
    flow(new Recorder(4, 1), 4);
    assertThat(events)
        .containsExactly(
            "submit 0+4",
            "submit 4+4",
            "take 0",
            "write 0+4",
            "submit 8+4",
            "take 4",
            "write 4+4",
            "take 8",
            "write 8+4",
            "close");
  }

  @Test
  void aSliceThatDoesNotFitIsCut() throws IOException {
    flow(new Recorder(2, 2), 6);
    assertThat(events)
        .containsSubsequence("submit 0+2", "write 0+2", "submit 2+2", "write 2+2", "submit 4+2")
        .containsSubsequence("write 4+2", "submit 6+2", "submit 8+2", "submit 10+2", "write 10+2");
  }

  @Test
  void theSmallestSliceMustFit() {
    assertThatThrownBy(() -> flow(new Recorder(3, 4), 12))
        .isInstanceOf(OutOfDeviceMemoryException.class)
        .hasMessage("4 rows do not fit");
    assertThat(events).containsExactly("close");
  }
}
