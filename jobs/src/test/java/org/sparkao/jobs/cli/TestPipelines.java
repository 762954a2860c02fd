package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;

/** Pipelines in the layout of diffusers (golden/README.md, torchao-checkpoints/dit). */
class TestPipelines {
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

  private static Path golden() {
    return Command.golden("torchao-checkpoints").resolve("dit");
  }

  /** The tensors of TestGoldenTorchao, the rest as it was; the same command again does nothing. */
  @Test
  void componentIsQuantizedAndTheRestIsCopied() throws IOException {
    Path output = temp.resolve("output");
    String[] options = {
      "--component", "transformer", "--layout", "torchao", "--scheme", "FP8A16", "--run-id", "dit"
    };
    assertThat(command.quantize(golden(), output, options))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Map<String, byte[]> written = Command.contents(output);
    Map<String, byte[]> source = Command.contents(golden());
    source.keySet().stream()
        .filter(name -> !name.startsWith("transformer/"))
        .forEach(name -> assertThat(written.get(name)).as(name).isEqualTo(source.get(name)));
    Map<String, Stored> tensors = Checkpoints.read(output.resolve("transformer"));
    Checkpoints.read(golden().resolveSibling("dit-float8wo"))
        .forEach(
            (name, stored) ->
                assertThat(tensors.get(name).bytes()).as(name).isEqualTo(stored.bytes()));
    command.run("runs", "--tables", temp.resolve("tables").toString());
    assertThat(command.out()).containsPattern("dit +quantize +done");
    assertThat(command.run("verify", "--checkpoint", output.resolve("transformer").toString()))
        .as(command.out())
        .isEqualTo(ExitCode.DONE);
    assertThat(command.quantize(golden(), output, options))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("transformer is finished already");
  }

  /** Linear layers of two components by rules; convolutions, norms and embeddings stay. */
  @Test
  void layoutOfCompressedTensorsAndSeveralComponents() throws IOException {
    Path output = temp.resolve("output");
    assertThat(
            command.quantize(
                golden(),
                output,
                "--component",
                "transformer",
                "--component",
                "vae",
                "--scheme",
                "W8A8",
                "--rule",
                "attn1=W4A16(group_size=32)",
                "--skip",
                "proj_out",
                "--max-shard-size",
                "200kB"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Path transformer = output.resolve("transformer");
    Map<String, Stored> tensors = Checkpoints.read(transformer);
    assertThat(tensors)
        .containsKeys(
            "transformer_blocks.0.attn1.to_q.weight_packed",
            "transformer_blocks.1.ff.net.0.proj.weight_scale",
            "transformer_blocks.1.norm1.linear.weight_scale",
            "proj_out_1.weight",
            "pos_embed.proj.weight",
            "transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight")
        .doesNotContainKeys(
            "proj_out_1.weight_scale",
            "transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight_scale");
    JsonNode index =
        new ObjectMapper()
            .readTree(
                transformer.resolve("diffusion_pytorch_model.safetensors.index.json").toFile());
    assertThat(index.path("weight_map").path("proj_out_1.weight").asText())
        .matches("diffusion_pytorch_model-0000\\d-of-0000\\d.safetensors");
    Map<String, Stored> vae = Checkpoints.read(output.resolve("vae"));
    assertThat(vae)
        .containsKeys(
            "decoder.mid_block.attentions.0.to_q.weight_scale",
            "decoder.mid_block.resnets.0.conv1.weight",
            "quant_conv.weight")
        .doesNotContainKey("decoder.mid_block.resnets.0.conv1.weight_scale");
    assertThat(Files.readString(transformer.resolve("config.json"))).doesNotContain("lm_head");
  }

  /**
   * Names as diffusers has them: Flux, SD3, SDXL's UNet, PixArt, Wan, Hunyuan; what is no matrix
   * stays.
   */
  @Test
  void namesOfOtherModelsNeedNoCode() throws IOException {
    List<String> linear =
        List.of(
            "transformer_blocks.0.attn.to_q",
            "single_transformer_blocks.0.proj_mlp",
            "transformer_blocks.0.attn.add_q_proj",
            "down_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj",
            "transformer_blocks.0.attn1.to_out.0",
            "blocks.0.attn1.to_q",
            "single_transformer_blocks.0.attn.to_v");
    Map<String, String> shapes = new TreeMap<>();
    linear.forEach(name -> shapes.put(name + ".weight", "[16,16]"));
    shapes.put("down_blocks.0.resnets.0.conv1.weight", "[4,4,4,4]");
    shapes.put("patch_embedding.weight", "[8,2,1,4,4]");
    shapes.put("scale_shift_table", "[1,16,16]");
    shapes.put("blocks.0.norm2.weight", "[256]");
    List<String> entries = new ArrayList<>();
    for (Map.Entry<String, String> entry : shapes.entrySet()) {
      int begin = 512 * entries.size();
      entries.add(
          String.format(
              "\"%s\":{\"dtype\":\"BF16\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
              entry.getKey(), entry.getValue(), begin, begin + 512));
    }
    byte[] header = ("{" + String.join(",", entries) + "}").getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + 512 * entries.size())
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header);
    while (file.hasRemaining()) {
      file.putShort((short) (0x3F80 + file.position() / 2 % 64));
    }
    Path pipeline = temp.resolve("pipeline");
    Path folder = Files.createDirectories(pipeline.resolve("transformer"));
    Files.writeString(
        pipeline.resolve("model_index.json"),
        "{\"_class_name\":\"AnyPipeline\",\"transformer\":[\"diffusers\",\"AnyModel\"]}");
    Files.writeString(folder.resolve("config.json"), "{\"_class_name\":\"AnyModel\"}");
    Files.write(folder.resolve("diffusion_pytorch_model.safetensors"), file.array());
    Path output = temp.resolve("output");
    assertThat(
            command.quantize(pipeline, output, "--component", "transformer", "--scheme", "FP8A16"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(
            Checkpoints.read(output.resolve("transformer")).keySet().stream()
                .filter(name -> name.endsWith(".weight_scale"))
                .map(name -> name.replace(".weight_scale", "")))
        .containsExactlyInAnyOrderElementsOf(linear);
  }

  @Test
  void whatIsNoWholePipelineIsRefused() throws IOException {
    refused(golden(), "is a diffusion pipeline of the components scheduler, transformer, vae");
    refused(golden(), "has the components scheduler, transformer, vae", "--component", "unet");
    refused(golden(), "scheduler: holds no .safetensors file", "--component", "scheduler");
    refused(
        golden().resolve("transformer"), "has no model_index.json", "--component", "transformer");
    Path copy = temp.resolve("copy");
    try (Stream<Path> tree = Files.walk(golden())) {
      for (Path path : tree.filter(path -> !path.toString().contains("vae")).toList()) {
        Files.copy(path, copy.resolve(golden().relativize(path).toString()));
      }
    }
    refused(copy, "model_index.json: names the component vae", "--component", "transformer");
    Path output = Files.createDirectories(temp.resolve("mine"));
    Files.writeString(output.resolve("letter.txt"), "mine");
    assertThat(command.quantize(golden(), output, "--component", "transformer", "--scheme", "W8A8"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("holds letter.txt, which is no part of the pipeline");
  }

  private void refused(Path checkpoint, String message, String... options) {
    Path output = temp.resolve("refused");
    String[] all =
        Stream.concat(Stream.of("--scheme", "W8A8"), Stream.of(options)).toArray(String[]::new);
    assertThat(command.quantize(checkpoint, output, all)).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains(message);
    assertThat(output).doesNotExist();
  }
}
