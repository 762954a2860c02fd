package org.sparkao.quant.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.calibration.CalibrationInfo.Input;
import org.sparkao.quant.calibration.CalibrationInfo.Origin;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.InputObserver.Source;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

class TestCalibration {
  private static final String BLOCK = "model.layers.0";
  private static final String Q = BLOCK + ".self_attn.q_proj";
  private static final String K = BLOCK + ".self_attn.k_proj";

  /** Two tokens of three channels: (1, -2, 0), (3, 4, 0). */
  private static final float[] X = {1, -2, 0, 3, 4, 0};

  @TempDir Path folder;

  private static InputSums sums() {
    InputObserver observer = new InputObserver(3, Products.SUMMED);
    observer.add(X, 2, Source.ROUTED, Workers.CALLER);
    return observer.sums();
  }

  private Calibration written() throws IOException {
    BlockSums block =
        new BlockSums(
            Map.of(Q, sums()), Optional.of(new CacheSums(new float[] {1, 2}, new float[] {3, 4})));
    String file = CalibrationWriter.file(BLOCK);
    String sha256;
    try (FileSink sink = FileSink.create(folder.resolve(file))) {
      sha256 =
          CalibrationWriter.block(
              sink, BLOCK, block, Map.of(Q, new float[] {5, 6, 7}, K, new float[] {8, 9, 10}));
    }
    CalibrationInfo info =
        new CalibrationInfo(
            new Origin("models/one", "aa"),
            new Origin("text", "bb"),
            1,
            2,
            1,
            "plain",
            Map.of(CalibrationInfo.HESSIAN, "true", CalibrationInfo.KV_CACHE, "true"),
            List.of(new Block(BLOCK, file, sha256, List.of(new Input(Q, 3, List.of(Q, K))))));
    Files.write(folder.resolve(CalibrationWriter.INFO), CalibrationWriter.info(info));
    Calibration calibration = Calibration.open(LocalFiles.of(folder));
    assertThat(calibration.info()).isEqualTo(info);
    return calibration;
  }

  @Test
  void statisticsByHand() throws IOException {
    Calibration calibration = written();
    for (String module : List.of(Q, K)) {
      assertThat(calibration.inputOf(module)).contains(Q);
      CalibratedInput input = calibration.input(module);
      assertThat(input.tokens()).isEqualTo(2);
      assertThat(input.routed()).isEqualTo(2);
      assertThat(input.min()).containsExactly(1, -2, 0);
      assertThat(input.max()).containsExactly(3, 4, 0);
      assertThat(input.amax()).containsExactly(3, 4, 0);
      assertThat(input.meanAbsolute()).containsExactly(2, 3, 0);
      assertThat(input.meanSquare()).containsExactly(5, 10, 0);
      assertThat(input.meanSquareOfTensor()).isEqualTo(5);
      assertThat(input.deadChannels()).isEqualTo(1);
      assertThat(input.range().min()).isEqualTo(-2);
      assertThat(input.range().amax()).isEqualTo(4);
      assertThat(input.magnitudes().total()).isEqualTo(6);
      assertThat(input.magnitudes().percentile(100)).isEqualTo(4);
      assertThat(input.tokenAmax().percentile(50)).isEqualTo(2);
      assertThat(StaticRange.AMAX.of(input, 127)).isEqualTo(4);
      assertThat(StaticRange.PERCENTILE.of(input, 127)).isEqualTo(4);
      assertThat(StaticRange.LEAST_SQUARES.of(input, 127)).isBetween(4f, 4.04f);
      assertThat(calibration.hessian(module)).containsExactly(5, 5, 0, 5, 10, 0, 0, 0, 0);
    }
    assertThat(calibration.weightColumnAmax(Q)).containsExactly(5, 6, 7);
    assertThat(calibration.weightColumnAmax(K)).containsExactly(8, 9, 10);
    assertThat(calibration.cache(BLOCK).key()).containsExactly(1, 2);
    assertThat(calibration.cache(BLOCK).value()).containsExactly(3, 4);
    assertThat(calibration.info().tokens()).isEqualTo(2);
  }

  /** An input that layers share is shown once, and the file of their block is opened once. */
  @Test
  void inputsOfManyLayers() throws IOException {
    written();
    CountingFiles files = new CountingFiles(LocalFiles.of(folder));
    Calibration calibration = Calibration.open(files);
    int opened = files.opened;
    Map<String, CalibratedInput> shown = new HashMap<>();
    calibration.eachInput(List.of(K, Q), shown::put);
    assertThat(files.opened - opened).isEqualTo(1);
    assertThat(shown).containsOnlyKeys(K);
    assertThat(shown.get(K).meanSquare()).containsExactly(5, 10, 0);
    assertThat(calibration.columns(K)).hasValue(3);
    assertThat(calibration.columns("lm_head")).isEmpty();
    assertThatThrownBy(() -> calibration.eachInput(List.of(Q, "lm_head"), shown::put))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("lm_head was not calibrated");
  }

  /** Counts how many files are opened. */
  private static final class CountingFiles implements CheckpointFiles {
    private final CheckpointFiles files;
    private int opened;

    private CountingFiles(CheckpointFiles files) {
      this.files = files;
    }

    @Override
    public String location() {
      return files.location();
    }

    @Override
    public List<FileEntry> files() throws IOException {
      return files.files();
    }

    @Override
    public List<String> folders() throws IOException {
      return files.folders();
    }

    @Override
    public ByteSource open(String name) throws IOException {
      opened++;
      return files.open(name);
    }
  }

  /** What other readers of the format rely on. */
  @Test
  void namesAndShapesOfTensors() throws IOException {
    written();
    try (FileSource source = FileSource.open(folder.resolve(CalibrationWriter.file(BLOCK)))) {
      assertThat(SafetensorsHeader.read(source).entries())
          .extracting(entry -> entry.name() + " " + entry.dtype() + " " + entry.shape())
          .contains(
              Q + ".input.count I64 [1]",
              Q + ".input.mean_square F32 [3]",
              Q + ".input.hessian F32 [3, 3]",
              K + ".weight.column_amax F32 [3]",
              BLOCK + ".self_attn.k_cache.amax F32 [2]")
          .noneMatch(entry -> entry.startsWith(K + ".input"));
    }
  }

  @Test
  void sumsOfAPartComeBack() throws IOException {
    Path file = folder.resolve("part");
    BlockSums block = new BlockSums(Map.of(Q, sums(), "other", sums()), Optional.empty());
    try (FileSink sink = FileSink.create(file)) {
      CalibrationWriter.sums(sink, BLOCK, block);
    }
    BlockSums back = CalibrationWriter.readSums(FileSource.open(file), BLOCK);
    assertThat(back.inputs().keySet()).containsExactlyInAnyOrder(Q, "other");
    assertThat(back.cache()).isEmpty();
    InputSums input = back.merge(block).inputs().get(Q);
    assertThat(input.tokens()).isEqualTo(4);
    assertThat(input.absolute()).containsExactly(8, 12, 0);
    assertThat(input.square()).containsExactly(20, 40, 0);
    assertThat(input.crossProducts().orElseThrow()).containsExactly(20, 20, 0, 20, 40, 0, 0, 0, 0);
    assertThat(input.magnitudes().total()).isEqualTo(12);
  }

  /** Products of 2,100 channels are more bytes than are made at a time. */
  @Test
  void largeProductsAreWrittenWhole() throws IOException {
    int k = 2100;
    float[] x = new float[k];
    for (int i = 0; i < k; i++) {
      x[i] = i % 61 + 1;
    }
    InputObserver observer = new InputObserver(k, Products.SUMMED);
    for (int i = 0; i < 3; i++) {
      observer.add(x, 1, Source.ROUTED, Workers.CALLER);
    }
    BlockSums block = new BlockSums(Map.of(Q, observer.sums()), Optional.empty());
    Path file = folder.resolve("part");
    try (FileSink sink = FileSink.create(file)) {
      CalibrationWriter.sums(sink, BLOCK, block);
    }
    InputSums back = CalibrationWriter.readSums(FileSource.open(file), BLOCK).inputs().get(Q);
    assertThat(back.crossProducts().orElseThrow()).isEqualTo(products(x, 3));
    Path finished = folder.resolve("finished");
    try (FileSink sink = FileSink.create(finished)) {
      CalibrationWriter.block(sink, BLOCK, block, Map.of());
    }
    float[] means = products(x, 1);
    try (FileSource source = FileSource.open(finished)) {
      TensorEntry hessian =
          SafetensorsHeader.read(source).entries().stream()
              .filter(entry -> entry.name().equals(Q + ".input.hessian"))
              .findFirst()
              .orElseThrow();
      byte[] bytes = new byte[Float.BYTES * means.length];
      source.readFully(hessian.begin(), bytes, 0, bytes.length);
      float[] found = new float[means.length];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(found);
      assertThat(found).isEqualTo(means);
    }
  }

  private static float[] products(float[] x, float times) {
    float[] products = new float[x.length * x.length];
    for (int i = 0; i < products.length; i++) {
      products[i] = times * x[i / x.length] * x[i % x.length];
    }
    return products;
  }

  @Test
  void aFileThatIsDamagedIsClosed() {
    boolean[] closed = new boolean[1];
    ByteSource damaged =
        new ByteSource() {
          @Override
          public String location() {
            return "damaged";
          }

          @Override
          public long size() {
            return 4;
          }

          @Override
          public void readFully(long position, byte[] buffer, int offset, int length) {
            throw new IllegalStateException("behind the end");
          }

          @Override
          public void close() {
            closed[0] = true;
          }
        };
    assertThatThrownBy(() -> CalibrationWriter.readSums(damaged, BLOCK))
        .hasMessageContaining("damaged");
    assertThat(closed[0]).isTrue();
  }

  @Test
  void refusesWhatIsNotThere() throws IOException {
    assertThatThrownBy(() -> Calibration.open(LocalFiles.of(folder)))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("has no calibration.json");
    Calibration calibration = written();
    assertThatThrownBy(() -> calibration.input("lm_head"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("lm_head was not calibrated")
        .hasMessageContaining("--skip");
    Files.writeString(folder.resolve(CalibrationWriter.INFO), "{\"format\": \"other\"}");
    assertThatThrownBy(() -> Calibration.open(LocalFiles.of(folder)))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("does not say");
  }
}
