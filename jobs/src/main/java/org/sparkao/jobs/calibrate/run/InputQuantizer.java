package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.quantize.StoredWeight;
import org.sparkao.jobs.calibrate.plan.Sequential;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.jobs.quantize.run.CalibratedWeights;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.calibrated.ColumnGroups;
import org.sparkao.quant.calibrated.SecondMoments;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.WeightReader;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;

/**
 * The layers of one input as {@code quantize} will make them of its second moments: quantized by
 * gptq, and dequantized as the model runtime does.
 */
final class InputQuantizer {
  /** Rows of a weight that a thread works on at a time. */
  private static final int ROWS = 64;

  private final Sequential sequential;
  private final CheckpointFiles source;
  private final DeviceGptq device;

  InputQuantizer(Sequential sequential, CheckpointFiles source, DeviceGptq device) {
    this.sequential = sequential;
    this.source = source;
    this.device = device;
  }

  /**
   * Numbers of the layers that are quantized, [N, K] of the type of the weight, by module.
   *
   * @param modules that read the input
   * @throws QuantException when they do not fit on the device
   */
  Map<String, byte[]> weights(List<String> modules, InputSums sums) throws IOException {
    try {
      return quantized(modules, sums);
    } catch (OutOfDeviceMemoryException e) {
      throw new QuantException(
          modules.get(0)
              + ": its second moments and weights do not fit on the GPU: "
              + e.getMessage()
              + "; give the GPU to fewer others, --skip the modules with the longest rows, or use"
              + " --device cpu",
          e);
    }
  }

  private Map<String, byte[]> quantized(List<String> modules, InputSums sums) throws IOException {
    List<Quantize> tasks =
        modules.stream()
            .filter(sequential.weights()::containsKey)
            .map(sequential.weights()::get)
            .toList();
    Map<String, byte[]> all = new LinkedHashMap<>();
    for (Quantize task : tasks) {
      all.put(task.module(), read(task));
    }
    Optional<TensorRange> shared = shared(tasks, all);
    try (CalibratedWeights quantizers =
        new CalibratedWeights(inputs(sums), sequential.arithmetic().calibrated(), device.gptq())) {
      for (Quantize task : tasks) {
        byte[] weight = all.get(task.module());
        QuantizeRequest request = sequential.arithmetic().request(task);
        Optional<TensorRange> range =
            request.scheme().needsTensorRange()
                ? shared.or(() -> Optional.of(range(task, weight)))
                : Optional.empty();
        all.put(task.module(), quantized(task, weight, quantizers, range));
      }
    }
    return all;
  }

  private byte[] read(Quantize task) throws IOException {
    long bytes = task.weight().dtype().bytes(task.weight().rows() * task.weight().columns());
    byte[] weight = new byte[Math.toIntExact(bytes)];
    try (WeightReader reader = WeightReader.open(source, task.weight())) {
      reader.readRows(0, Math.toIntExact(task.weight().rows()), weight, 0);
    }
    return weight;
  }

  private static TensorRange range(Quantize task, byte[] weight) {
    int count = Math.toIntExact(task.weight().rows() * task.weight().columns());
    return Quantizers.range(weight, 0, count, task.weight().dtype());
  }

  /** Of the layers of an input, one global scale. */
  private Optional<TensorRange> shared(List<Quantize> tasks, Map<String, byte[]> weights) {
    TensorRange range = TensorRange.EMPTY;
    boolean any = false;
    for (Quantize task : tasks) {
      if (sequential.arithmetic().request(task).scheme().weights().scale()
          == ScaleKind.E4M3_WITH_GLOBAL) {
        range = range.merge(range(task, weights.get(task.module())));
        any = true;
      }
    }
    return any ? Optional.of(range) : Optional.empty();
  }

  private static CalibratedWeights.Inputs inputs(InputSums sums) {
    return new CalibratedWeights.Inputs() {
      @Override
      public String name(String module) {
        return "";
      }

      @Override
      public float[] meanSquare(String module) {
        return sums.meanSquare();
      }

      @Override
      public SecondMoments products(String module) {
        return new SecondMoments(sums.columns(), sums::meanProduct);
      }
    };
  }

  private byte[] quantized(
      Quantize task, byte[] weight, CalibratedWeights quantizers, Optional<TensorRange> range)
      throws IOException {
    QuantizeRequest request = sequential.arithmetic().request(task);
    TensorQuantizer first = quantizers.quantizer(task, request, range);
    List<PackedPart> parts = first.parts();
    byte[][] codes = new byte[parts.size()][];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = new byte[Math.toIntExact(parts.get(i).bytes())];
    }
    int rows = Math.toIntExact(task.weight().rows());
    int multiple = first.sliceRowMultiple();
    int wanted = device.rows(first, weight.length / rows);
    int step = Math.min(rows, (wanted + multiple - 1) / multiple * multiple);
    int pieces = (rows + step - 1) / step;
    List<TensorQuantizer> each = new ArrayList<>(List.of(first));
    while (each.size() < device.quantizers(pieces)) {
      each.add(quantizers.quantizer(task, request, range));
    }
    device
        .workers()
        .run(
            pieces,
            piece -> {
              int begin = piece * step;
              int count = Math.min(step, rows - begin);
              TensorQuantizer own = each.get(piece % each.size());
              quantize(own, weight, new Rows(begin, count, weight.length / rows), codes);
            });
    quantizers.fallback(task, each);
    return dequantized(request.with(WeightAlgorithm.RTN), codes);
  }

  /** Some rows of a weight, and how long each is. */
  private record Rows(int begin, int count, int bytes) {
    int end() {
      return begin + count;
    }
  }

  /** The codes of some rows go to their places. */
  private static void quantize(
      TensorQuantizer quantizer, byte[] weight, Rows rows, byte[][] codes) {
    List<PackedPart> parts = quantizer.parts();
    byte[][] out = new byte[codes.length][];
    for (int i = 0; i < out.length; i++) {
      out[i] =
          new byte[(int) (parts.get(i).offset(rows.end()) - parts.get(i).offset(rows.begin()))];
    }
    quantizer.quantize(weight, rows.begin() * rows.bytes(), rows.begin(), rows.count(), out);
    for (int i = 0; i < out.length; i++) {
      System.arraycopy(out[i], 0, codes[i], (int) parts.get(i).offset(rows.begin()), out[i].length);
    }
  }

  private byte[] dequantized(QuantizeRequest request, byte[][] codes) {
    List<ByteBuffer> parts =
        Arrays.stream(codes).limit(Quantizers.parts(request).size()).map(ByteBuffer::wrap).toList();
    StoredWeight stored =
        ColumnGroups.stored(request, sequential.arithmetic().calibrated().order())
            ? StoredWeight.ofColumns(request, parts, groups(codes[codes.length - 1]))
            : StoredWeight.of(request, parts);
    int rows = Math.toIntExact(request.weight().rows());
    int columns = Math.toIntExact(request.weight().columns());
    WeightType type = stored.type();
    byte[] weight = new byte[Math.multiplyExact(rows, columns * type.bytes())];
    Workers.ALL_CORES.run(
        (rows + ROWS - 1) / ROWS,
        piece -> {
          int begin = piece * ROWS;
          int count = Math.min(ROWS, rows - begin);
          float[] values = new float[count * columns];
          stored.dequantize(begin, count, values, 0);
          for (int i = 0; i < values.length; i++) {
            type.write(values[i], weight, (begin * columns + i) * type.bytes());
          }
        });
    return weight;
  }

  private static int[] groups(byte[] stored) {
    int[] groups = new int[stored.length / Integer.BYTES];
    ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(groups);
    return groups;
  }
}
