package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.ConfigJson;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.checkpoint.TensorCopy;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** Whole files against those that compressed-tensors wrote. */
class TestGoldenSchemes {
  private static final String INPUT = "input.safetensors";

  /** Their inputs are quantized as by no named scheme, and parameters speak of weights only. */
  private static final Set<String> WITHOUT_NAME = Set.of("W8A8_ASYM");

  static Set<String> presets() {
    return GoldenSchemes.all().keySet();
  }

  @Test
  void everyFolderIsCovered() throws IOException {
    try (Stream<Path> entries = Files.list(golden())) {
      assertThat(
              entries
                  .filter(Files::isDirectory)
                  .map(path -> path.getFileName().toString())
                  .filter(name -> !name.startsWith("_")))
          .containsExactlyInAnyOrderElementsOf(presets());
    }
  }

  @ParameterizedTest
  @MethodSource("presets")
  void wholeFileIsEqual(String preset, @TempDir Path temp) throws IOException {
    Path golden = golden();
    Path expected = expectedFile(golden, preset, temp);
    Checkpoint reference = Checkpoint.openFile(LocalFiles.of(expected.getParent()), name(expected));
    Path source = Files.createDirectories(temp.resolve("source"));
    Set<String> modules =
        reference.tensors().stream()
            .map(tensor -> tensor.entry().name().replaceAll("\\.[^.]+$", ""))
            .collect(Collectors.toSet());
    copySome(
        golden.resolve(INPUT),
        source.resolve(INPUT),
        tensor -> modules.contains(tensor.replaceAll("\\.weight$", "")));

    Path output = Files.createDirectories(temp.resolve("output"));
    quantize(source, output, GoldenSchemes.all().get(preset), reference);

    assertThat(output.resolve("model.safetensors")).hasSameBinaryContentAs(expected);
  }

  @ParameterizedTest
  @MethodSource("presets")
  void quantizationConfigIsEqual(String preset) throws IOException {
    Path golden = golden();
    Path own = golden.resolve(preset).resolve("quantization_config.json");
    Path calibration = GoldenSchemes.expected(golden, preset.startsWith("NVFP4") ? "NVFP4" : "FP8");
    Checkpoint source = Checkpoint.openFile(LocalFiles.of(golden), INPUT);
    Checkpoint scales =
        Checkpoint.openFile(LocalFiles.of(calibration.getParent()), name(calibration));
    QuantizePlan plan =
        new QuantizePlanner(
                recipe(GoldenSchemes.all().get(preset)),
                GivenFiles.inputScales(Optional.of(scales)))
            .plan(source, Optional.empty());
    Map<String, Object> written =
        ConfigJson.parse("config.json", plan.config().getBytes(StandardCharsets.UTF_8));
    @SuppressWarnings("unchecked")
    Map<String, Object> config = (Map<String, Object>) written.get("quantization_config");
    if (WITHOUT_NAME.contains(preset)) {
      assertThat(weights(config)).isEqualTo(weights(ConfigJson.parse("", Files.readAllBytes(own))));
    } else {
      assertThat(ConfigJson.format(config)).isEqualTo(Files.readString(own));
    }
  }

  private static Object weights(Map<String, Object> config) {
    Map<?, ?> groups = (Map<?, ?>) config.get("config_groups");
    return ((Map<?, ?>) groups.get("group_0")).get("weights");
  }

  private static Path golden() {
    Optional<Path> folder = GoldenSchemes.folder();
    assumeTrue(folder.isPresent(), "golden data is not here");
    return folder.orElseThrow();
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  private static Recipe recipe(String scheme) {
    return new Recipe(
        Schemes.parse(scheme),
        List.of(),
        new Arithmetic(
            WeightAlgorithm.RTN, Numerics.COMPRESSED_TENSORS, CheckpointLayout.COMPRESSED_TENSORS),
        5_000_000_000L);
  }

  private static void quantize(Path source, Path output, String scheme, Checkpoint scales)
      throws IOException {
    Checkpoint checkpoint = Checkpoint.openFile(LocalFiles.of(source), INPUT);
    QuantizePlan plan =
        new QuantizePlanner(recipe(scheme), GivenFiles.inputScales(Optional.of(scales)))
            .plan(checkpoint, Optional.empty());
    assertThat(plan.shards()).hasSize(1);
    Storage storage = Storage.ofSettings(Map.of());
    ShardSettings settings =
        new ShardSettings(
            new Planned(source.toString(), List.of()),
            new Planned(scales.location(), List.of()),
            Planned.NONE,
            output.toString(),
            plan.arithmetic(),
            List.of(),
            NonFinitePolicy.KEEP,
            PlannedDevice.processor("test"));
    new ShardFile(settings, storage, bytes -> {}, new TaskClock())
        .write(plan.shards().get(0), storage.folder(output.toString()), "model.safetensors");
  }

  /** The golden file, without what the log says this preset does not write. */
  private static Path expectedFile(Path golden, String preset, Path temp) throws IOException {
    Path file = GoldenSchemes.expected(golden, preset);
    Path sameAs = golden.resolve(preset).resolve("SAME_AS.json");
    if (!Files.exists(sameAs)) {
      return file;
    }
    Set<String> left = new HashSet<>();
    JsonNode log = new ObjectMapper().readTree(sameAs.toFile());
    log.path("tensors_not_written_by_this_preset").forEach(name -> left.add(name.asText()));
    Path some = Files.createDirectories(temp.resolve("expected")).resolve("expected.safetensors");
    copySome(file, some, tensor -> !left.contains(tensor));
    return some;
  }

  private static void copySome(Path from, Path to, Predicate<String> wanted) throws IOException {
    LocalFiles files = LocalFiles.of(from.getParent());
    List<CheckpointTensor> tensors =
        Checkpoint.openFile(files, name(from)).tensors().stream()
            .filter(tensor -> wanted.test(tensor.entry().name()))
            .toList();
    List<TensorSpec> specs = new ArrayList<>();
    for (CheckpointTensor tensor : tensors) {
      TensorEntry entry = tensor.entry();
      specs.add(new TensorSpec(entry.name(), entry.dtype(), entry.shape()));
    }
    try (FileSink sink = FileSink.create(to)) {
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, ShardHeader.PYTORCH));
      for (CheckpointTensor tensor : tensors) {
        TensorCopy.copy(
            files,
            tensor,
            (buffer, offset, length) ->
                writer.append(tensor.entry().name(), buffer, offset, length));
      }
      writer.finish();
    }
  }
}
