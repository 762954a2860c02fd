package org.sparkao.quant.calibration;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.Sha256;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.WrittenTensor;

/** Writes the files of a calibration, and those of its parts while it is being made. */
public final class CalibrationWriter {
  /** Says what a calibration is; written last. */
  public static final String INFO = "calibration.json";

  private static final String SUFFIX = ".input.";

  /** Pieces that are made beside each other. */
  private static final int TOGETHER = 16;

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

  /** Writes the sums of a part, for {@link #readSums}; nobody asks for their hashes. */
  public static void sums(ByteSink sink, String block, BlockSums sums) throws IOException {
    List<Numbers> all = new ArrayList<>();
    sums.inputs().forEach((name, input) -> all.addAll(InputTensors.sums(name, input)));
    sums.cache().ifPresent(cache -> all.addAll(cache(block, cache)));
    ShardHeader header = header(all);
    byte[] bytes = header.bytes();
    sink.write(0, bytes, 0, bytes.length);
    Map<String, TensorEntry> entries = new HashMap<>();
    header.entries().forEach(entry -> entries.put(entry.name(), entry));
    for (Numbers numbers : all) {
      long begin = entries.get(numbers.spec().name()).begin();
      pieces(numbers, (at, piece, length) -> sink.write(begin + at, piece, 0, length));
    }
    sink.commit();
  }

  private static List<Numbers> cache(String block, CacheSums cache) {
    return List.of(
        Numbers.floats(InputTensors.keyAmax(block), cache.key()),
        Numbers.floats(InputTensors.valueAmax(block), cache.value()));
  }

  private static String write(ByteSink sink, List<Numbers> all) throws IOException {
    ShardWriter writer = new ShardWriter(sink, header(all));
    for (Numbers numbers : all) {
      String name = numbers.spec().name();
      pieces(numbers, (at, piece, length) -> writer.appendBeside(name, piece, 0, length));
    }
    MessageDigest digest = Sha256.newDigest();
    for (WrittenTensor tensor : writer.finish()) {
      String line = tensor.sha256() + " " + tensor.name() + "\n";
      digest.update(line.getBytes(StandardCharsets.UTF_8));
    }
    return Sha256.hex(digest);
  }

  private static ShardHeader header(List<Numbers> all) {
    return ShardHeader.of(all.stream().map(Numbers::spec).toList(), ShardHeader.PYTORCH);
  }

  /** Takes the bytes of a tensor, in order. */
  private interface Taker {
    /** Those from byte {@code at} of the tensor on. */
    void take(long at, byte[] piece, int length) throws IOException;
  }

  /** Makes the bytes of a tensor by all cores, some pieces at a time. */
  private static void pieces(Numbers numbers, Taker taker) throws IOException {
    int elementBytes = numbers.spec().dtype().bits() / 8;
    int each = Numbers.PIECE / elementBytes;
    long bytes = (long) elementBytes * numbers.count();
    byte[] batch = new byte[(int) Math.min(bytes, (long) TOGETHER * Numbers.PIECE)];
    for (long at = 0; at < bytes; at += batch.length) {
      int first = (int) (at / elementBytes);
      int length = (int) Math.min(batch.length, bytes - at);
      int end = first + length / elementBytes;
      Workers.ALL_CORES.run(
          (length + Numbers.PIECE - 1) / Numbers.PIECE,
          piece -> {
            int from = first + each * piece;
            int offset = Numbers.PIECE * piece;
            ByteBuffer out = ByteBuffer.wrap(batch, offset, length - offset);
            numbers
                .filler()
                .fill(out.order(ByteOrder.LITTLE_ENDIAN), from, Math.min(end, from + each));
          });
      taker.take(at, batch, length);
    }
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
