package org.sparkao.datasets.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.DataInputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestBundledSample {
  private static final String MEASURED = "datasets/src/main/python/sample/measured.json";

  @TempDir private Path folder;

  @Test
  void copiesTheWholeCheckpoint() throws Exception {
    BundledSample.copyCheckpointTo(folder.resolve("llama"));

    try (var files = Files.list(folder.resolve("llama"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(BundledSample.CHECKPOINT_FILES);
    }
  }

  @Test
  void refusesToOverwrite() throws Exception {
    BundledSample.copyCheckpointTo(folder);

    assertThatThrownBy(() -> BundledSample.copyCheckpointTo(folder))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  /** As issue 3 asks: 1 to 4 million parameters, bf16, row lengths that 128 divides. */
  @Test
  void modelHasTheShapesThatEverySchemeTakes() throws Exception {
    JsonNode header = header(BundledSample.copyCheckpointTo(folder).resolve("model.safetensors"));

    long parameters = 0;
    for (Map.Entry<String, JsonNode> tensor : header.properties()) {
      if (tensor.getKey().equals("__metadata__")) {
        continue;
      }
      assertThat(tensor.getValue().path("dtype").asText()).isEqualTo("BF16");
      JsonNode shape = tensor.getValue().path("shape");
      long elements = 1;
      for (JsonNode side : shape) {
        elements *= side.asLong();
      }
      assertThat(shape.get(shape.size() - 1).asLong() % 128).as(tensor.getKey()).isZero();
      parameters += elements;
    }
    assertThat(parameters).isBetween(1_000_000L, 4_000_000L);
  }

  /** What was measured belongs to these weights: measure again before this changes. */
  @Test
  void weightsAreThoseThatWereMeasured() throws Exception {
    Path model = BundledSample.copyCheckpointTo(folder);
    String sha256 = "db5edf2bd7d099e7efb07ff12e7c0d139eb210ee169147200255c41f596833e0";

    byte[] weights = Files.readAllBytes(model.resolve("model.safetensors"));
    assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(weights)))
        .isEqualTo(sha256);
    assertThat(
            new JsonMapper()
                .readTree(model.resolve("training.json").toFile())
                .path("model_sha256")
                .asText())
        .isEqualTo(sha256);
    assertThat(model.resolve("MODEL_CARD.md")).content().contains(sha256);
    assertThat(
            new JsonMapper()
                .readTree(Path.of(System.getProperty("sparkao.root"), MEASURED).toFile())
                .path("model_sha256")
                .asText())
        .isEqualTo(sha256);
  }

  private static JsonNode header(Path file) throws Exception {
    try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
      int length = Math.toIntExact(Long.reverseBytes(in.readLong()));
      return new JsonMapper().readTree(in.readNBytes(length));
    }
  }
}
