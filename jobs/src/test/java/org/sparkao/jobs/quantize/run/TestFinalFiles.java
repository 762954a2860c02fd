package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;

class TestFinalFiles {
  /** What no array can hold, and no whole number of chunks. */
  private static final long LARGE = (1L << 31) + 5;

  @TempDir private Path temp;

  private static QuantizePlan plan(List<FileEntry> sideFiles) {
    return new QuantizePlan(
        new Arithmetic(
            WeightAlgorithm.RTN, Numerics.COMPRESSED_TENSORS, CheckpointLayout.COMPRESSED_TENSORS),
        NonFinitePolicy.KEEP,
        List.of(),
        List.of(),
        new QuantizePlan.Totals(0, 0, 0, 0),
        "{}",
        new QuantizePlan.Index("model.safetensors.index.json", ""),
        sideFiles,
        "f");
  }

  private Folder folder(String name) throws Exception {
    return Storage.ofSettings(Map.of())
        .folder(Files.createDirectories(temp.resolve(name)).toString());
  }

  /** Takes a file of the work folder as a disk that is large enough would. */
  private static final class Counter implements ByteSink {
    private final AtomicLong end = new AtomicLong();

    @Override
    public void write(long position, byte[] buffer, int offset, int length) {
      assertThat(position).isEqualTo(end.getAndAdd(length));
    }

    @Override
    public void commit() {}

    @Override
    public void close() {}
  }

  @Test
  void sideFileOfTwoGigabytesIsStreamed() throws Exception {
    Folder source = folder("source");
    try (RandomAccessFile file =
        new RandomAccessFile(temp.resolve("source/large.bin").toFile(), "rw")) {
      file.setLength(LARGE);
    }
    Folder output = folder("output");
    Files.createDirectories(temp.resolve("output/_sparkao"));
    Counter counter = new Counter();
    List<String> named = new ArrayList<>();
    Folder large =
        (Folder)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Folder.class},
                (proxy, method, args) -> {
                  boolean ofLarge = args != null && args[0].toString().contains("large.bin");
                  if (ofLarge && method.getName().equals("sink")) {
                    named.add((String) args[1]);
                    return counter;
                  }
                  try {
                    return method.invoke(output, args);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    new FinalFiles(source, large, plan(source.files())).write(Map.of("run_id", "r"));
    assertThat(counter.end).hasValue(LARGE);
    assertThat(named).containsExactly("large.bin");
    assertThat(output.list("")).containsExactly("_sparkao", "config.json", "sparkao.json");
    assertThat(output.list("_sparkao")).isEmpty();
  }

  @Test
  void sideFileThatWasChangedIsRefused() throws Exception {
    Folder source = folder("source");
    Path file = Files.writeString(temp.resolve("source/tokenizer.json"), "{}");
    QuantizePlan plan = plan(source.files());
    String planned = source.files().get(0).version();
    Files.writeString(file, "{ }");
    assertThatThrownBy(() -> new FinalFiles(source, folder("output"), plan).write(Map.of()))
        .isInstanceOf(RefusedInputException.class)
        .hasMessage(
            file
                + ": was changed while the run was reading it (planned 2 bytes of "
                + planned
                + ", found 3 bytes of "
                + source.files().get(0).version()
                + "); start again with the checkpoint as it shall be");
  }
}
