package org.sparkao.quant.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.gguf.GgufReader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.NumberRows;
import org.sparkao.quant.gguf.RowEncoder;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;

/**
 * A whole file in bf16 into the types of another: read, encoded by slices as the job does it, and
 * written, by one thread. What is written must be the other file, byte for byte.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 5)
@Measurement(iterations = 5)
public class GgufFileBenchmark {
  private static final long SLICE_VALUES = 1 << 18;

  /** GGUF file in bf16, norms in fp32. */
  @Param("BF16.gguf")
  public String source;

  /** The same weights in other types. */
  @Param("Q8_0.gguf")
  public String target;

  /** Where the file is written and removed again. */
  @Param("benchmark.gguf")
  public String output;

  private final float[] values = new float[Math.toIntExact(SLICE_VALUES)];
  private final byte[] raw = new byte[4 * values.length];
  private final byte[] out = new byte[4 * values.length];
  private final List<Step> steps = new ArrayList<>();
  private byte[] header;

  private record Step(long from, WeightType type, GgufTensor made, long to) {}

  /** Reads both headers. */
  @Setup
  public void plan() throws IOException {
    try (FileSource before = FileSource.open(Path.of(source));
        FileSource after = FileSource.open(Path.of(target))) {
      GgufReader.Read read = GgufReader.read(before);
      Map<String, GgufTensor> stored =
          read.header().tensors().stream()
              .collect(Collectors.toMap(GgufTensor::name, Function.identity()));
      GgufReader.Read model = GgufReader.read(after);
      header = model.header().bytes();
      for (GgufTensor made : model.header().tensors()) {
        GgufTensor tensor = stored.get(made.name());
        steps.add(
            new Step(
                read.dataBegin() + tensor.offset(),
                WeightType.valueOf(tensor.type().name()),
                made,
                model.dataBegin() + made.offset()));
      }
    }
  }

  /** Reads, encodes and writes. */
  @Benchmark
  public void export() throws IOException {
    try (FileSource before = FileSource.open(Path.of(source));
        FileSink after = FileSink.create(Path.of(output))) {
      after.write(0, header, 0, header.length);
      for (Step step : steps) {
        convert(step, before, after);
      }
      after.commit();
    }
  }

  private void convert(Step step, FileSource before, FileSink after) throws IOException {
    RowEncoder encoder = step.made().type().encoder();
    List<Long> shape = step.made().shape();
    long columns = shape.get(shape.size() - 1);
    long all = shape.stream().reduce(1L, Math::multiplyExact);
    long slice = Math.max(1, SLICE_VALUES / columns) * columns;
    long to = step.to();
    for (long begin = 0; begin < all; begin += slice) {
      int count = Math.toIntExact(Math.min(slice, all - begin));
      int bytes = count * step.type().bytes();
      before.readFully(step.from() + begin * step.type().bytes(), raw, 0, bytes);
      if (!NumberRows.read(step.type(), raw, 0, values, 0, count)) {
        throw new IllegalStateException(step.made().name() + " is not finite");
      }
      int written = encoder.encode(values, count, out);
      after.write(to, out, 0, written);
      to += written;
    }
  }

  /** Compares and removes what was written. */
  @TearDown(Level.Iteration)
  public void compare() throws IOException {
    long difference = Files.mismatch(Path.of(output), Path.of(target));
    Files.delete(Path.of(output));
    if (difference >= 0) {
      throw new IllegalStateException(output + " differs from " + target + " at " + difference);
    }
  }
}
