package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** What {@code quantize} says it will do, and what it refuses to plan. */
class TestPlans {
  private final Command command = new Command();
  @TempDir private Path temp;

  @Test
  void planShowsWhichRuleWon() throws IOException {
    Path source = llama();

    assertThat(
            dryRun(
                source,
                "W4A16",
                "--rule",
                "layers\\.0\\.mlp=W8A16",
                "--rule",
                "mlp\\.down_proj=FP8_DYNAMIC",
                "--rule",
                "proj=W8A8",
                "--skip",
                "layers\\.1\\.self_attn"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);

    // 2 * 64 * 128 + 2 * (128 + 3 * 128 * 256 + 4 * 128 * 128) + 128 weights of two bytes.
    assertThat(command.out().replaceAll(" +", " ").lines())
        .startsWith(source + ": 19 tensors in 1 files, 689 kB")
        .anyMatch(line -> line.startsWith("10 of 19 tensors are quantized; 689 kB become "))
        .filteredOn(line -> line.contains("_proj"))
        .containsExactly(
            mlp(0, "down", "[128, 256] W8A16 (rule layers\\.0\\.mlp=W8A16)"),
            mlp(0, "gate", "[256, 128] W8A16 (rule layers\\.0\\.mlp=W8A16)"),
            mlp(0, "up", "[256, 128] W8A16 (rule layers\\.0\\.mlp=W8A16)"),
            attention(0, "k_proj", "W8A8 (rule proj=W8A8)"),
            attention(0, "q_proj", "W8A8 (rule proj=W8A8)"),
            attention(0, "v_proj", "W8A8 (rule proj=W8A8)"),
            attention(0, "o_proj", "W8A8 (rule proj=W8A8)"),
            mlp(1, "down", "[128, 256] FP8_DYNAMIC (rule mlp\\.down_proj=FP8_DYNAMIC)"),
            mlp(1, "gate", "[256, 128] W8A8 (rule proj=W8A8)"),
            mlp(1, "up", "[256, 128] W8A8 (rule proj=W8A8)"),
            attention(1, "k_proj.weight", "copied: skipped by layers\\.1\\.self_attn"),
            attention(1, "q_proj.weight", "copied: skipped by layers\\.1\\.self_attn"),
            attention(1, "v_proj.weight", "copied: skipped by layers\\.1\\.self_attn"),
            attention(1, "o_proj.weight", "copied: skipped by layers\\.1\\.self_attn"));
  }

  private static String mlp(int layer, String part, String treatment) {
    return " 1x model.layers." + layer + ".mlp." + part + "_proj BF16 " + treatment;
  }

  private static String attention(int layer, String part, String treatment) {
    return " 1x model.layers." + layer + ".self_attn." + part + " BF16 [128, 128] " + treatment;
  }

  @Test
  void planSaysWhenNoRuleSpellsTheName() throws IOException {
    Path source = llama();

    assertThat(dryRun(source, "W4A16", "--rule", ".*=W8A16")).isEqualTo(ExitCode.DONE);

    assertThat(command.out()).contains("copied: output head, and no rule spells lm_head");
  }

  @Test
  void headOfTiedEmbeddingsIsNotQuantized() throws IOException {
    Path source = llama();
    config(source, "{\"tie_word_embeddings\": true}");

    assertThat(dryRun(source, "W4A16", "--rule", "lm_head=W8A8")).isEqualTo(ExitCode.REFUSED);

    assertThat(command.err())
        .contains(
            "lm_head.weight in model.safetensors: config.json has tie_word_embeddings true",
            "leave it to --skip lm_head, or set tie_word_embeddings to false in " + source);
    assertThat(dryRun(source, "W4A16")).as(command.err()).isEqualTo(ExitCode.DONE);
    config(source, "{\"tie_word_embeddings\": false}");
    assertThat(dryRun(source, "W4A16", "--rule", "lm_head=W8A8"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
  }

  @Test
  void nothingToQuantizeIsRefused() throws IOException {
    Path source = llama();

    assertThat(dryRun(source, "W4A16", "--skip", ".")).isEqualTo(ExitCode.REFUSED);

    assertThat(command.err())
        .contains(
            source + ": nothing would be quantized: every linear layer stays as it is (lm_head, ",
            "model.layers.{0-1}.mlp.down_proj",
            "skip less with --skip and --rule");
    Path norms = Checkpoints.write(temp.resolve("norms"), Map.of("model.norm.weight", List.of(8L)));
    assertThat(dryRun(norms, "W4A16")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("none of its 1 tensors is a linear layer");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"compression_config\": %s}",
        "{\"text_config\": {\"quantization_config\": %s}}",
        "{\"text_config\": {\"compression_config\": %s, \"hidden_size\": 128}}",
      })
  void oldDescriptionIsReplacedWhereverItWas(String config) throws IOException {
    Path source = llama();
    config(source, config.formatted("{\"quant_method\": \"fp8\", \"weight_block_size\": [8, 8]}"));

    String written = plan(source);

    assertThat(written)
        .contains("\"quantization_config\": {", "\"quant_method\": \"compressed-tensors\"")
        .doesNotContain("compression_config", "\"fp8\"", "weight_block_size")
        .containsOnlyOnce("quantization_config");
    assertThat(written.contains("hidden_size")).isEqualTo(config.contains("hidden_size"));
  }

  @Test
  void stackedLayersOfUnknownNameAreNamed() throws IOException {
    Map<String, List<Long>> shapes = Checkpoints.llama(1, 128, 256);
    String block = "model.layers.0.block_sparse_moe.";
    shapes.put(block + "input_linear.weight", List.of(2L, 256L, 128L));
    shapes.put(block + "output_linear.weight", List.of(2L, 128L, 128L));
    Path source = Checkpoints.write(temp.resolve("granite"), shapes);

    assertThat(dryRun(source, "W4A16")).isEqualTo(ExitCode.DONE);

    assertThat(command.out())
        .contains("copied: several layers in one tensor, of a name that is not taken apart");
    assertThat(plan(source))
        .contains("\"" + block + "input_linear\"", "\"" + block + "output_linear\"");
    assertThat(dryRun(source, "W4A16", "--rule", "input_linear=W8A16")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(block + "input_linear.weight in model.safetensors: has shape [2, 256, 128]");
  }

  @Test
  void groupSizesThatAreOfferedDivideEveryWeight() throws IOException {
    Path source = Checkpoints.write(temp.resolve("smollm"), Checkpoints.llama(2, 576, 1536));

    assertThat(dryRun(source, "W4A16")).isEqualTo(ExitCode.REFUSED);

    // 576 = 2^6 * 9 and 1536 = 2^9 * 3; 1536 is a multiple of 128 and offends nobody.
    assertThat(command.err())
        .contains(
            "self_attn.q_proj",
            "in model.safetensors: rows of 576 weights are not multiples of group size 128",
            "group sizes that divide all rows of this scheme: 16, 24, 32, 48, 64, 96, 192; use"
                + " group_size=64, or --skip for these modules")
        .doesNotContain("down_proj");
  }

  @Test
  void groupSizeIsPartOfTheFormatOnlyWhereItIs() throws IOException {
    Path source = Checkpoints.write(temp.resolve("odd"), Checkpoints.llama(1, 80, 160));

    assertThat(dryRun(source, "FP8_DYNAMIC(group_size=96)")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("16, 20, 40, 80; use group_size=16").doesNotContain("part");

    assertThat(dryRun(source, "MXFP4A16")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains("the group size is part of the format, so use --skip for these modules");
  }

  /** The fields that compressed-tensors 0.19 dumps for the same QuantizationArgs. */
  @Test
  void int8InputsOf8da4wAreAsymmetricAndDynamic() throws IOException {
    String config = plan(llama(), "8DA4W").replaceAll("\\s", "");

    assertThat(config)
        .contains(
            "\"format\":\"pack-quantized\",\"input_activations\":{\"actorder\":null,"
                + "\"block_structure\":null,\"dynamic\":true,\"group_size\":null,"
                + "\"num_bits\":8,\"observer\":null,\"observer_kwargs\":{},"
                + "\"scale_dtype\":null,\"strategy\":\"token\",\"symmetric\":false,"
                + "\"type\":\"int\",\"zp_dtype\":\"torch.int8\"},\"output_activations\":null,"
                + "\"targets\":[\"Linear\"],\"weights\":{\"actorder\":null,"
                + "\"block_structure\":null,\"dynamic\":false,\"group_size\":32,\"num_bits\":4,",
            "\"strategy\":\"group\",\"symmetric\":true,\"type\":\"int\",\"zp_dtype\":null}");
  }

  private Path llama() throws IOException {
    return Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
  }

  private static void config(Path source, String text) throws IOException {
    Files.writeString(source.resolve("config.json"), text, StandardCharsets.UTF_8);
  }

  private ExitCode dryRun(Path source, String scheme, String... more) {
    List<String> args = new ArrayList<>(List.of("quantize", "--checkpoint", source.toString()));
    args.addAll(List.of("--scheme", scheme, "--dry-run"));
    args.addAll(List.of(more));
    return command.run(args.toArray(String[]::new));
  }

  /** The {@code config.json} that would be written. */
  private static String plan(Path source) throws IOException {
    return plan(source, "W4A16");
  }

  private static String plan(Path source, String scheme) throws IOException {
    Arithmetic arithmetic =
        new Arithmetic(
            WeightAlgorithm.RTN, Numerics.COMPRESSED_TENSORS, CheckpointLayout.COMPRESSED_TENSORS);
    Recipe recipe = new Recipe(Schemes.parse(scheme), List.of(), arithmetic, 1_000_000_000);
    return new QuantizePlanner(recipe, GivenFiles.NONE)
        .plan(
            Checkpoint.open(LocalFiles.of(source)),
            Optional.of(Files.readAllBytes(source.resolve("config.json"))))
        .config();
  }
}
