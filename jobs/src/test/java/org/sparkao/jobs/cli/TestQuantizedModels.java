package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.LinearWeight.Plain;
import org.sparkao.gpu.model.LinearWeight.Quantized;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** What quantize writes is what the model runtime reads, module by module and byte for byte. */
class TestQuantizedModels {
  private static SparkLease spark;

  private final Command command = new Command();
  @TempDir private Path temp;

  @BeforeAll
  static void startSpark() {
    spark = Command.spark(List.of());
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  /** All presets that need no calibration, and parameters. */
  static List<String> schemes() {
    List<String> names = new ArrayList<>();
    Schemes.all().stream()
        .filter(scheme -> !scheme.needsInputScales())
        .map(QuantScheme::name)
        .forEach(names::add);
    names.addAll(
        List.of(
            "W4A16(group_size=32)",
            "W4A16_ASYM(group_size=-1)",
            "W3A16(group_size=32, symmetric=false)",
            "W8A16(granularity=tensor)",
            "W8A8(symmetric=false)",
            "W4A8(format=int-quantized)",
            "FP8_BLOCK(granularity=block, group_size=64)"));
    return names;
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void everySchemeIsReadAsItWasWritten(String scheme) throws IOException {
    Path output = quantize("--scheme", scheme);
    Map<String, Stored> written = Checkpoints.read(output);
    WeightLookup weights = weights(output);
    assertQuantized(weights, "model.layers.0.mlp.down_proj", 128, 256, scheme, written);
    assertQuantized(weights, "model.layers.1.self_attn.q_proj", 128, 128, scheme, written);
    assertPlain(weights, "lm_head", 64, 128, written);
  }

  @Test
  void theLayoutOfDeepSeekToo() throws IOException {
    Path output = quantize("--scheme", "FP8_BLOCK", "--layout", "deepseek");
    Map<String, Stored> written = Checkpoints.read(output);
    WeightLookup weights = weights(output);
    Quantized quantized =
        assertQuantized(weights, "model.layers.0.mlp.up_proj", 256, 128, "FP8_BLOCK", written);
    assertThat(quantized.request().layout()).isEqualTo(CheckpointLayout.DEEPSEEK);
    assertThat(quantized.parts())
        .extracting(StoredTensor::name)
        .containsExactly(
            "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight_scale_inv");
    assertPlain(weights, "lm_head", 64, 128, written);
  }

  @Test
  void everyModuleHasTheSchemeOfItsRule() throws IOException {
    Path output =
        quantize(
            "--scheme",
            "W4A16",
            "--rule",
            "down_proj=FP8_DYNAMIC",
            "--rule",
            "layers\\.0\\.self_attn=W8A8",
            "--skip",
            "layers\\.1\\.mlp\\.up_proj",
            "--skip",
            "layers\\.1\\.mlp\\.gate_proj");
    Map<String, Stored> written = Checkpoints.read(output);
    WeightLookup weights = weights(output);
    String first = "model.layers.0.";
    String second = "model.layers.1.";
    assertQuantized(weights, first + "self_attn.q_proj", 128, 128, "W8A8", written);
    assertQuantized(weights, second + "self_attn.q_proj", 128, 128, "W4A16", written);
    assertQuantized(weights, first + "mlp.up_proj", 256, 128, "W4A16", written);
    assertPlain(weights, second + "mlp.up_proj", 256, 128, written);
    assertQuantized(weights, first + "mlp.down_proj", 128, 256, "FP8_DYNAMIC", written);
    assertQuantized(weights, second + "mlp.down_proj", 128, 256, "FP8_DYNAMIC", written);
  }

  private Path quantize(String... options) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
    Path output = temp.resolve("output");
    assertThat(command.quantize(source, output, options))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    return output;
  }

  private static WeightLookup weights(Path folder) throws IOException {
    LocalFiles files = LocalFiles.of(folder);
    return WeightLookups.of(Checkpoint.open(files), files);
  }

  private static Quantized assertQuantized(
      WeightLookup weights,
      String module,
      int n,
      int k,
      String scheme,
      Map<String, Stored> written) {
    LinearWeight weight = weights.linear(module, n, k);
    assertThat(weight.form()).as(module).isInstanceOf(Quantized.class);
    Quantized quantized = (Quantized) weight.form();
    assertThat(quantized.request().scheme()).isEqualTo(Schemes.parse(scheme));
    assertThat(quantized.parts())
        .extracting(StoredTensor::name)
        .containsExactlyInAnyOrderElementsOf(
            written.keySet().stream().filter(name -> name.startsWith(module + ".")).toList());
    quantized.parts().forEach(part -> assertSame(part, written));
    return quantized;
  }

  private static void assertPlain(
      WeightLookup weights, String module, int n, int k, Map<String, Stored> written) {
    LinearWeight weight = weights.linear(module, n, k);
    assertThat(weight.form()).as(module).isInstanceOf(Plain.class);
    assertSame(((Plain) weight.form()).values(), written);
  }

  private static void assertSame(StoredTensor tensor, Map<String, Stored> written) {
    Stored expected = written.get(tensor.name());
    assertThat(tensor.dtype()).isEqualTo(expected.dtype());
    assertThat(tensor.shape()).isEqualTo(expected.shape());
    assertThat(tensor.bytes().get()).isEqualTo(ByteBuffer.wrap(expected.bytes()));
  }
}
