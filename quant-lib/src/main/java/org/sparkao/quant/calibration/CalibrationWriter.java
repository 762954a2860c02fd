package org.sparkao.quant.calibration;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.Sha256;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.WrittenTensor;

/** Writes the files of a calibration, and those of its parts while it is being made. */
public final class CalibrationWriter {
  /** Says what a calibration is; written last. */
  public static final String INFO = "calibration.json";

  private static final String SUFFIX = ".input.";

  private CalibrationWriter() {}

  /** Name of a block's file. */
  public static String file(String block) {
    return block + ".safetensors";
  }

  /** The content of {@link #INFO}. */
  public static byte[] info(CalibrationInfo info) {
    return CalibrationJson.write(info);
  }

  /**
   * Writes the finished file of a block and makes it durable; the sink stays the caller's to close.
   *
   * @param weightAmax by module, largest magnitude of each column of its weight
   * @return the SHA-256 for {@link CalibrationInfo.Block}
   */
  public static String block(
      ByteSink sink, String block, BlockSums sums, Map<String, float[]> weightAmax)
      throws IOException {
    List<Numbers> all = new ArrayList<>();
    sums.inputs().forEach((name, input) -> all.addAll(InputTensors.statistics(name, input)));
    weightAmax.forEach(
        (module, amax) -> all.add(Numbers.floats(InputTensors.weightAmax(module), amax)));
    sums.cache().ifPresent(cache -> all.addAll(cache(block, cache)));
    return write(sink, all);
  }

  /** Writes the sums of a part, for {@link #readSums}. */
  public static void sums(ByteSink sink, String block, BlockSums sums) throws IOException {
    List<Numbers> all = new ArrayList<>();
    sums.inputs().forEach((name, input) -> all.addAll(InputTensors.sums(name, input)));
    sums.cache().ifPresent(cache -> all.addAll(cache(block, cache)));
    write(sink, all);
  }

  private static List<Numbers> cache(String block, CacheSums cache) {
    return List.of(
        Numbers.floats(InputTensors.keyAmax(block), cache.key()),
        Numbers.floats(InputTensors.valueAmax(block), cache.value()));
  }

  private static String write(ByteSink sink, List<Numbers> all) throws IOException {
    Map<String, Numbers> byName = new LinkedHashMap<>();
    all.forEach(numbers -> byName.put(numbers.spec().name(), numbers));
    ShardHeader header =
        ShardHeader.of(all.stream().map(Numbers::spec).toList(), ShardHeader.PYTORCH);
    ShardWriter writer = new ShardWriter(sink, header);
    ByteBuffer piece = ByteBuffer.allocate(Numbers.PIECE).order(ByteOrder.LITTLE_ENDIAN);
    for (Numbers numbers : byName.values()) {
      int each = Numbers.PIECE / (numbers.spec().dtype().bits() / 8);
      for (int from = 0; from < numbers.count(); from += each) {
        piece.clear();
        numbers.filler().fill(piece, from, Math.min(numbers.count(), from + each));
        writer.append(numbers.spec().name(), piece.array(), 0, piece.position());
      }
    }
    MessageDigest digest = Sha256.newDigest();
    for (WrittenTensor tensor : writer.finish()) {
      String line = tensor.sha256() + " " + tensor.name() + "\n";
      digest.update(line.getBytes(StandardCharsets.UTF_8));
    }
    return Sha256.hex(digest);
  }

  /** Reads what {@link #sums} wrote; closes the source. */
  public static BlockSums readSums(ByteSource source, String block) throws IOException {
    try (TensorFile file = new TensorFile(source)) {
      Map<String, InputSums> inputs = new LinkedHashMap<>();
      for (String name : file.names()) {
        int end = name.length() - SUFFIX.length() - InputTensors.COUNT.length();
        if (end > 0
            && name.equals(InputTensors.input(name.substring(0, end), InputTensors.COUNT))) {
          String input = name.substring(0, end);
          inputs.put(input, inputSums(file, input));
        }
      }
      Optional<CacheSums> cache =
          file.has(InputTensors.keyAmax(block))
              ? Optional.of(
                  new CacheSums(
                      file.floats(InputTensors.keyAmax(block)),
                      file.floats(InputTensors.valueAmax(block))))
              : Optional.empty();
      return new BlockSums(inputs, cache);
    }
  }

  private static InputSums inputSums(TensorFile file, String input) throws IOException {
    String products = InputTensors.input(input, InputTensors.CROSS_PRODUCTS);
    return new InputSums(
        file.number(InputTensors.input(input, InputTensors.COUNT)),
        file.number(InputTensors.input(input, InputTensors.ROUTED)),
        file.floats(InputTensors.input(input, InputTensors.MIN)),
        file.floats(InputTensors.input(input, InputTensors.MAX)),
        file.doubles(InputTensors.input(input, InputTensors.SUM_ABSOLUTE)),
        file.doubles(InputTensors.input(input, InputTensors.SUM_SQUARE)),
        file.histogram(InputTensors.input(input, InputTensors.HISTOGRAM)),
        file.histogram(InputTensors.input(input, InputTensors.TOKEN_AMAX)),
        file.has(products) ? Optional.of(file.floats(products)) : Optional.empty());
  }
}
