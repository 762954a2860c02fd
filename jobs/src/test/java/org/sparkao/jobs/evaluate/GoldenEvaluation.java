package org.sparkao.jobs.evaluate;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/** What transformers says of SmolLM2 with the requests of lm-evaluation-harness, item by item. */
public final class GoldenEvaluation {
  private static final Path SHARED = Path.of(System.getProperty("sparkao.shared", "none"));

  private GoldenEvaluation() {}

  /** Whether the shared folder is there. */
  public static boolean present() {
    return Files.isDirectory(folder());
  }

  /** Folder of the golden files. */
  public static Path folder() {
    return SHARED.resolve("golden").resolve("smollm2-135m-instruct");
  }

  /** Folder of the tasks' data. */
  public static Path data() {
    return SHARED.resolve("data");
  }

  /** The checkpoint, unpacked into the build folder of all modules once. */
  public static synchronized Path checkpoint() throws IOException, InterruptedException {
    Path models = Path.of(System.getProperty("sparkao.root"), "target", "models");
    Path script = SHARED.resolve("tools/unpack-gguf/unpack.sh").toAbsolutePath();
    Process process =
        new ProcessBuilder("bash", script.toString(), models.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException(said);
    }
    return models.resolve("smollm2-135m-instruct");
  }

  /** A tensor of {@code evaluate.safetensors} of F64. */
  public static double[] doubles(String name) throws IOException {
    ByteBuffer bytes = bytes(name);
    return IntStream.range(0, bytes.capacity() / Double.BYTES)
        .mapToDouble(i -> bytes.getDouble(i * Double.BYTES))
        .toArray();
  }

  /** The same of I32, I64 or I8, as longs. */
  public static long[] longs(String name, int width) throws IOException {
    ByteBuffer bytes = bytes(name);
    return IntStream.range(0, bytes.capacity() / width)
        .mapToLong(
            i ->
                width == Byte.BYTES
                    ? bytes.get(i)
                    : width == Integer.BYTES ? bytes.getInt(i * width) : bytes.getLong(i * width))
        .toArray();
  }

  private static ByteBuffer bytes(String name) throws IOException {
    try (FileSource source = FileSource.open(folder().resolve("evaluate.safetensors"))) {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        if (entry.name().equals(name)) {
          byte[] all = new byte[(int) entry.bytes()];
          source.readFully(entry.begin(), all, 0, all.length);
          return ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        }
      }
    }
    throw new IllegalArgumentException("no " + name);
  }
}
