package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint of full size is opened from headers alone. */
final class TestSparseCheckpoint {
  @Test
  void opensSevenHundredShards(@TempDir Path folder) throws IOException {
    SparseCheckpoint.large().write(folder);

    Checkpoint checkpoint = Checkpoint.open(LocalFiles.of(folder));

    assertThat(checkpoint.shards()).hasSize(700);
    // 61 layers of 9 + 3 * 490 tensors, embedding, last norm, head
    assertThat(checkpoint.tensors()).hasSize(61 * (9 + 3 * 490) + 3);
    // an expert holds 3 * 4096 * 2048 weights; attention, norms, router; embedding, norm, head
    long layer = 490L * 3 * 4096 * 2048 + (2L * 4096 + 2L * 512) * 4096 + 2 * 4096 + 256;
    long all = 61 * (layer + 490L * 4096) + 2L * 151936 * 4096 + 4096;
    assertThat(checkpoint.totalBytes()).isEqualTo(2 * all).isGreaterThan(1_500_000_000_000L);
    assertThat(checkpoint.tensor("model.layers.60.mlp.experts.489.down_proj.weight"))
        .hasValueSatisfying(
            t -> assertThat(t.file()).isEqualTo("model-00700-of-00700.safetensors"));
  }
}
