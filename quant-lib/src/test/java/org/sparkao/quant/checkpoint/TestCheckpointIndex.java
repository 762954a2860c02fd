package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.QuantException;

final class TestCheckpointIndex {
  private static final String INDEX = "model.safetensors.index.json";

  @TempDir Path folder;
  private CheckpointFixture fixture;

  @BeforeEach
  void writeTwoShards() {
    fixture = new CheckpointFixture(folder);
    fixture.shard("x.safetensors").bf16("a", 2, 2).bf16("b", 2, 2);
    fixture.shard("y.safetensors").bf16("c", 2, 2).write();
  }

  @Test
  void writesAsTransformersDoes() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    CheckpointIndexWriter.write(
        out, 1234567890123L, Map.of("b", "y.safetensors", "B\u00e9\"", "x", "a\uD83D\uDE00", "x"));
    // python3 -c 'import json; print(json.dumps({...}, indent=2, sort_keys=True))'
    assertThat(out.toString(StandardCharsets.US_ASCII))
        .isEqualTo(
            """
            {
              "metadata": {
                "total_size": 1234567890123
              },
              "weight_map": {
                "B\\u00e9\\"": "x",
                "a\\ud83d\\ude00": "x",
                "b": "y.safetensors"
              }
            }
            """);
  }

  @Test
  void readsWhatItWrites() throws IOException {
    assertThat(Checkpoint.open(LocalFiles.of(folder)).tensors())
        .extracting(CheckpointTensor::file)
        .containsExactly("x.safetensors", "x.safetensors", "y.safetensors");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../y.safetensors",
        "/y.safetensors",
        "..\\\\y.safetensors",
        "y.safetensors\\u0000",
        "sub/y.safetensors",
        "..",
        "",
        "config.json"
      })
  void refusesFilesOutsideTheFolder(String file) {
    refused(
        index("'a':'x.safetensors','b':'x.safetensors','c':'" + file + "'"),
        "/model.safetensors.index.json: c is said to be in \"",
        "which is no .safetensors file of this folder; put all shards beside the index");
  }

  @Test
  void refusesAMissingShard() {
    refused(
        index("'a':'x.safetensors','b':'x.safetensors','c':'z.safetensors'"),
        "/model.safetensors.index.json: c is said to be in z.safetensors, which is missing;"
            + " download that shard");
  }

  @Test
  void refusesDisagreement() {
    refused(
        index("'a':'x.safetensors','b':'y.safetensors','c':'y.safetensors'"),
        "\"b\" in ",
        "is in x.safetensors but the index says y.safetensors");
    refused(
        index("'a':'x.safetensors','c':'y.safetensors'"),
        "\"b\" in ",
        "is in x.safetensors but not in the index");
    refused(
        index("'a':'x.safetensors','b':'x.safetensors','c':'y.safetensors','d':'y.safetensors'"),
        "\"d\" in ",
        "is not in y.safetensors, where the index says it is; index and shards are of different");
  }

  @Test
  void refusesOneTensorInTwoShards() {
    fixture.shard("y.safetensors").bf16("a", 2, 2).write();
    refused(
        index("'a':'x.safetensors','b':'x.safetensors','c':'y.safetensors'"),
        "a in " + folder + ": is in both x.safetensors and y.safetensors; keep the shards of one");
  }

  @Test
  void refusesWhatIsNoIndex() {
    refused("[]", "is not a JSON object");
    refused("{} {}", "goes on after the JSON object");
    refused("{\"metadata\":{}}", "has no weight_map");
    refused("{\"weight_map\":[]}", "has a weight_map that is not an object");
    refused("{\"weight_map\":{}}", "names no tensor; download the index again");
    refused("{\"weight_map\":{\"a\":1}}", "has a weight_map with no file name for a");
    refused("{\"weight_map\":{\"a\":", "is not valid JSON: Unexpected end-of-input");
    refused(index("'a':'x.safetensors','a':'x.safetensors'"), "is not valid JSON: Duplicate");
    refused("{\"weight_map\":{},\"weight_map\":{}}", "is not valid JSON: Duplicate");
  }

  @Test
  void refusesJsonBombs() {
    refused("{\"metadata\":" + "[".repeat(2_000_000), "is not valid JSON: ", "nesting depth");
    refused("{\"weight_map\":{\"a\":\"" + "x".repeat(2_000_000) + "\"}}", "is not valid JSON: ");
    refused("{\"metadata\":" + "9".repeat(2_000_000) + "}", "is not valid JSON: ");
    refused("{\"" + "x".repeat(2_000_000) + "\":1}", "is not valid JSON: ");
  }

  @Test
  void refusesConfigBombs() {
    String[] bombs = {
      "{\"a\":" + "[".repeat(2_000_000),
      "{\"a\":\"" + "x".repeat(2_000_000) + "\"}",
      "{\"a\":" + "9".repeat(2_000_000) + "}",
      "{\"a\":[" + "[],".repeat(2_000_000) + "1]}",
      "{\"a\":1,\"a\":2}",
      "\u0000",
    };
    for (String bomb : bombs) {
      fixture.file("config.json", bomb);
      refusedFolder("/config.json: is not valid JSON: ", "; copy or download the file again");
    }
    fixture.file("config.json", "[]");
    refusedFolder("/config.json: is not one JSON object");
    fixture.file("config.json", "");
    refusedFolder("/config.json: is not one JSON object");
    fixture.file("config.json", "{} {}");
    refusedFolder("/config.json: is not one JSON object");
    fixture.file("config.json", "{\"a\":1}" + " ".repeat(17_000_000));
    refusedFolder("/config.json: is 17000007 bytes long, more than the limit of 16777216");
  }

  private static String index(String weightMap) {
    return "{\"metadata\":{\"total_size\":24},\"weight_map\":{"
        + weightMap.replace('\'', '"')
        + "}}";
  }

  private void refused(String index, String... expected) {
    fixture.file(INDEX, index);
    refusedFolder(expected);
  }

  private void refusedFolder(String... expected) {
    assertThatThrownBy(() -> Checkpoint.open(LocalFiles.of(folder)))
        .isInstanceOf(QuantException.class)
        .hasMessageContainingAll(expected)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2_000));
  }
}
