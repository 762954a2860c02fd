package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.safetensors.DType;

final class TestCheckpoint {
  @TempDir Path folder;

  @Test
  void opensShardsWithTheirIndex() throws IOException {
    new CheckpointFixture(folder).llama(2, 3).file("tokenizer.json", "{}").write();

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
    assertThat(checkpoint.tieWordEmbeddings()).contains(false);
    assertThat(checkpoint.sideFiles())
        .extracting(FileEntry::name)
        .containsExactly("tokenizer.json");
  }
}
