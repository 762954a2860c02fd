package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.DType;

final class TestCheckpoint {
  @TempDir Path folder;

  @Test
  void opensShardsWithTheirIndex() throws IOException {
    new CheckpointFixture(folder).llama(2, 3).write();

    Checkpoint checkpoint = Checkpoint.open(LocalFiles.of(folder));

    assertThat(checkpoint.shards())
        .extracting(shard -> shard.file().name())
        .containsExactly(
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors");
    assertThat(checkpoint.tensors()).hasSize(21);
    assertThat(checkpoint.totalBytes())
        .isEqualTo(2L * (2 * 256 * 128 + 128 + 2 * (4 * 128 * 128 + 3 * 128 * 256 + 2 * 128)));
    assertThat(checkpoint.tensor("model.layers.1.mlp.down_proj.weight").orElseThrow().entry())
        .satisfies(
            entry -> {
              assertThat(entry.dtype()).isEqualTo(DType.BF16);
              assertThat(entry.shape()).isEqualTo(List.of(128L, 256L));
            });
    assertThat(checkpoint.tensor("lm_head.weight").orElseThrow().file())
        .isEqualTo("model-00003-of-00003.safetensors");
    assertThat(checkpoint.tensor("lm_head.bias")).isEmpty();
    assertThat(checkpoint.tieWordEmbeddings()).contains(false);
  }

  @Test
  void tellsSideFilesFromWhatIsLeftOut() throws IOException {
    new CheckpointFixture(folder)
        .bf16("a.weight", 2, 2)
        .file("config.json", "{\"text_config\":{\"tie_word_embeddings\":true}}")
        .file("tokenizer.json", "{}")
        .file("chat_template.jinja", "")
        .file("modeling_x.py", "")
        .file("tokenizer.model", "")
        .file("pytorch_model.bin", "")
        .file("pytorch_model.bin.index.json", "{}")
        .file("consolidated.safetensors", "not even read")
        .file(".gitattributes", "")
        .write();
    Files.createDirectory(folder.resolve("original"));

    Checkpoint checkpoint = Checkpoint.open(LocalFiles.of(folder));

    assertThat(checkpoint.sideFiles())
        .extracting(FileEntry::name)
        .containsExactly(
            "chat_template.jinja", "modeling_x.py", "tokenizer.json", "tokenizer.model");
    assertThat(checkpoint.skipped())
        .extracting(SkippedFile::name, SkippedFile::reason)
        .containsExactly(
            Tuple.tuple(".gitattributes", "hidden files are not copied"),
            Tuple.tuple("consolidated.safetensors", "no shard of this checkpoint"),
            Tuple.tuple("original/", "folders are not copied"),
            Tuple.tuple("pytorch_model.bin", "weights in another form"),
            Tuple.tuple("pytorch_model.bin.index.json", "weights in another form"));
    assertThat(checkpoint.tieWordEmbeddings()).contains(true);
  }

  @Test
  void opensOneFileOfAFolder() throws IOException {
    new CheckpointFixture(folder)
        .shard("x.safetensors")
        .bf16("a.weight", 2, 2)
        .file("y.safetensors", "not even read")
        .file("tokenizer.json", "{}")
        .write();

    Checkpoint bare = Checkpoint.openFile(LocalFiles.of(folder), "x.safetensors");
    assertThat(bare.tensors()).hasSize(1);
    assertThat(bare.config()).isEmpty();
    assertThat(bare.tieWordEmbeddings()).isEmpty();
    assertThat(bare.sideFiles()).isEmpty();

    Files.writeString(folder.resolve("config.json"), "{\"model_type\":\"llama\"}");
    Checkpoint withConfig = Checkpoint.openFile(LocalFiles.of(folder), "x.safetensors");
    assertThat(withConfig.config().orElseThrow().path("model_type").asText()).isEqualTo("llama");

    assertThatThrownBy(() -> Checkpoint.openFile(LocalFiles.of(folder), "z.safetensors"))
        .isInstanceOf(QuantException.class)
        .hasMessage(folder + "/z.safetensors: there is no such file; check the path");
  }

  @Test
  void anotherFingerprintForAnotherSource() throws IOException {
    new CheckpointFixture(folder).llama(1, 2).file("tokenizer.json", "{}").write();
    String fingerprint = Checkpoint.open(LocalFiles.of(folder)).fingerprint();
    assertThat(Checkpoint.open(LocalFiles.of(folder)).fingerprint()).isEqualTo(fingerprint);

    for (String name :
        List.of("model-00002-of-00002.safetensors", "tokenizer.json", "config.json")) {
      Path file = folder.resolve(name);
      FileTime time = Files.getLastModifiedTime(file);
      Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));
      assertThat(Checkpoint.open(LocalFiles.of(folder)).fingerprint()).isNotEqualTo(fingerprint);
      Files.setLastModifiedTime(file, time);
      assertThat(Checkpoint.open(LocalFiles.of(folder)).fingerprint()).isEqualTo(fingerprint);
    }

    Path shard = folder.resolve("model-00001-of-00002.safetensors");
    FileTime time = Files.getLastModifiedTime(shard);
    byte[] bytes = Files.readAllBytes(shard);
    bytes[new String(bytes, StandardCharsets.ISO_8859_1).indexOf("pt\"")] = 'q';
    Files.write(shard, bytes);
    Files.setLastModifiedTime(shard, time);
    assertThat(Checkpoint.open(LocalFiles.of(folder)).fingerprint()).isNotEqualTo(fingerprint);
  }

  @Test
  void reportsTheFirstDamagedShard() throws IOException {
    new CheckpointFixture(folder).llama(2, 4).write();
    for (int shard : List.of(2, 4)) {
      Path file = folder.resolve("model-0000" + shard + "-of-00004.safetensors");
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    }
    assertThatThrownBy(() -> Checkpoint.open(LocalFiles.of(folder)))
        .isInstanceOf(QuantException.class)
        .hasMessageContainingAll(
            folder + "/model-00002-of-00004.safetensors: ends at byte", "it is truncated");
  }

  @Test
  void refusesFoldersThatHoldNoCheckpoint() {
    refused("holds no .safetensors file; convert the checkpoint to safetensors first");
    assertThatThrownBy(() -> LocalFiles.of(folder.resolve("absent")))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("absent: is not a folder; name the folder of a checkpoint");
  }

  @Test
  void refusesShardsWithoutAnIndex() throws IOException {
    new CheckpointFixture(folder).llama(1, 2).write();
    Files.delete(folder.resolve("model.safetensors.index.json"));
    refused(
        "holds 2 .safetensors files (model-00001-of-00002.safetensors, ...) but no"
            + " model.safetensors.index.json; download the index, or name one file");
  }

  @Test
  void refusesTwoCheckpointsInOneFolder() throws IOException {
    new CheckpointFixture(folder).llama(1, 2).write();
    Files.copy(
        folder.resolve("model-00001-of-00002.safetensors"), folder.resolve("model.safetensors"));
    refused("/model.safetensors: the folder holds both this file and an index of other shards");
  }

  @Test
  void refusesLinksToNothing() throws IOException {
    new CheckpointFixture(folder).bf16("a.weight", 2, 2).write();
    Files.createSymbolicLink(folder.resolve("tokenizer.json"), Path.of("absent"));
    refused("/tokenizer.json: is a link to a file that is missing");
  }

  @Test
  void refusesNamesThatAreNoNames() throws IOException {
    for (String name : List.of("../../etc/a", "/a", "a\\b", "a\u0000b", "a\u001b[2Jb", "")) {
      new CheckpointFixture(folder).bf16(name, 2, 2).write();
      refused("/model.safetensors: is no name for a tensor");
    }
    new CheckpointFixture(folder).bf16("encoder/layer..0/weight", 2, 2).write();
    assertThat(Checkpoint.open(LocalFiles.of(folder)).tensors()).hasSize(1);
  }

  private void refused(String expected) {
    assertThatThrownBy(() -> Checkpoint.open(LocalFiles.of(folder)))
        .isInstanceOf(QuantException.class)
        .hasMessageContainingAll(folder.toString(), expected)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContainPattern("[\\x00-\\x1f]"));
  }
}
