package org.sparkao.jobs.export.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.model.HostDequantizer;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.jobs.export.plan.PlannedTensor;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.RowEncoder;

/**
 * Weights that are quantized already: as blocks of the same codes where those hold them, else
 * dequantized and encoded. Memory: the codes of a weight, and a row of numbers. For one thread.
 */
final class CodedRows {
  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 18;
  private static final int MIDDLE = 8;

  private final WeightLookup weights;
  private final RoundedScales rounded = new RoundedScales();

  CodedRows(WeightLookup weights) {
    this.weights = weights;
  }

  RoundedScales rounded() {
    return rounded;
  }

  void convert(PlannedTensor tensor, TensorRows.Target target) throws IOException {
    GgufTensor blocks = tensor.target();
    int n = Math.toIntExact(blocks.shape().get(0));
    int k = Math.toIntExact(blocks.shape().get(1));
    LinearWeight weight = weights.linear(module(tensor), n, k);
    HostDequantizer numbers = HostDequantizer.of(weight);
    int heads = tensor.origin().heads();
    int head = heads == 0 ? n : n / heads;
    int read = (int) Math.min(Integer.MAX_VALUE, tensor.sourceBytes() / n);
    Rows rows = tensor.keepsCodes() ? new SameCodes(weight, k) : new Encoded(tensor, k);
    float[] row = new float[k];
    byte[] out = new byte[Math.toIntExact(blocks.type().bytes(k))];
    for (int i = 0; i < n; i++) {
      int within = i % head;
      int source = heads == 0 ? i : i - within + within / 2 + within % 2 * (head / 2);
      if (tensor.keepsCodes()) {
        numbers.unrounded(source, 1, row, 0);
      } else {
        numbers.floats(source, 1, row, 0);
      }
      requireFinite(row, tensor);
      rows.write(source, row, out);
      target.append(out, out.length, read);
    }
  }

  private static String module(PlannedTensor tensor) {
    return tensor
        .origin()
        .tensor()
        .orElseThrow()
        .entry()
        .name()
        .replaceFirst("\\.(weight|weight_packed|_weight_qdata)$", "");
  }

  private static void requireFinite(float[] row, PlannedTensor tensor) {
    for (float value : row) {
      if (!Float.isFinite(value)) {
        throw new QuantException(
            module(tensor) + ": stands for a " + value + "; blocks cannot hold it, quantize again");
      }
    }
  }

  /** Turns a row of numbers into blocks. */
  private interface Rows {
    void write(int row, float[] values, byte[] out);
  }

  /** Rounded by the type of the blocks. */
  private static final class Encoded implements Rows {
    private final RowEncoder encoder;
    private final int columns;

    private Encoded(PlannedTensor tensor, int columns) {
      this.encoder = tensor.encoder();
      this.columns = columns;
    }

    @Override
    public void write(int row, float[] values, byte[] out) {
      encoder.encode(values, columns, out);
    }
  }

  /** Q4_0 under the scales that codes have: x = d (q - 8). */
  private final class SameCodes implements Rows {
    private final String name;
    private final ByteBuffer scales;
    private final WeightType type;
    private final int groups;

    private SameCodes(LinearWeight weight, int columns) {
      StoredTensor stored = ((LinearWeight.Quantized) weight.form()).parts().get(1);
      this.scales = stored.bytes().get().order(ByteOrder.LITTLE_ENDIAN);
      this.type = WeightType.valueOf(stored.dtype().name());
      this.groups = columns / BLOCK;
      this.name = weight.name();
    }

    @Override
    public void write(int row, float[] values, byte[] out) {
      byte[] bytes = new byte[type.bytes()];
      for (int g = 0; g < groups; g++) {
        scales.get(scales.position() + (row * groups + g) * type.bytes(), bytes);
        float scale = type.read(bytes, 0);
        int at = g * BLOCK_BYTES;
        WeightType.F16.write(WeightType.F16.round(scale), out, at);
        float kept = WeightType.F16.read(out, at);
        if (!Float.isFinite(kept)) {
          throw new QuantException(
              name
                  + ": row "
                  + row
                  + " has the scale "
                  + scale
                  + ", which fp16, and so Q4_0, does"
                  + " not hold; choose --type Q8_0");
        }
        rounded.add(scale, kept);
        for (int j = 0; j < BLOCK / 2; j++) {
          int low = code(values[g * BLOCK + j], scale);
          int high = code(values[g * BLOCK + BLOCK / 2 + j], scale);
          out[at + 2 + j] = (byte) (low | high << 4);
        }
      }
    }

    /** The code of a product of a code and a scale. */
    private int code(float value, float scale) {
      return scale == 0 ? MIDDLE : Math.round(value / scale) + MIDDLE;
    }
  }
}
