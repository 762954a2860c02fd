package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.config.Severity;
import org.sparkao.quant.safetensors.DType;

class TestTensorParallelRule {
  private static final String LAYER = "model.layers.0.";
  private static final String DEEPSEEK =
      "{\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"quantization_config\":"
          + " {\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128]}}";

  private static MemoryCheckpoint blocks(String module, long n, long k) {
    return new MemoryCheckpoint()
        .config(DEEPSEEK)
        .tensor(LAYER + module + ".weight", DType.F8_E4M3, n, k)
        .tensor(LAYER + module + ".weight_scale_inv", DType.F32, (n + 127) / 128, (k + 127) / 128);
  }

  private static MemoryCheckpoint groups(String module, long n, long k) {
    return new MemoryCheckpoint()
        .config(MemoryCheckpoint.packed(MemoryCheckpoint.INT4_GROUP128, ""))
        .int4(LAYER + module, n, k);
  }

  private static void assertError(MemoryCheckpoint checkpoint, int devices, String what) {
    assertThat(checkpoint.check(new TensorParallelRule(devices)))
        .filteredOn(finding -> finding.severity() == Severity.ERROR)
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.what()).isEqualTo(what);
              assertThat(finding.loaders()).containsExactly(Loader.VLLM);
            });
  }

  @Test
  void acceptsWholeBlocksAndGroups() {
    assertThat(blocks("mlp.up_proj", 512, 256).check(new TensorParallelRule(4))).isEmpty();
    assertThat(blocks("mlp.down_proj", 200, 256).check(new TensorParallelRule(2))).isEmpty();
    assertThat(groups("mlp.down_proj", 64, 256).check(new TensorParallelRule(2))).isEmpty();
  }

  @Test
  void refusesFusedPartsThatEndInsideABlockOnOneDeviceToo() {
    assertError(
        blocks("mlp.up_proj", 192, 256),
        1,
        "192 rows a device are not whole blocks of 128 (tensor-parallel size 1)");
    assertThat(blocks("mlp.down_proj", 192, 256).check(new TensorParallelRule(1))).isEmpty();
  }

  @Test
  void refusesColumnsThatEndInsideABlockOrGroup() {
    assertError(
        blocks("mlp.down_proj", 256, 384),
        2,
        "192 columns a device are not whole blocks of 128 (tensor-parallel size 2)");
    assertError(
        groups("mlp.down_proj", 64, 384),
        2,
        "192 columns a device are not whole groups of 128 (tensor-parallel size 2)");
  }

  @Test
  void refusesAnUnevenShare() {
    assertError(groups("mlp.up_proj", 100, 256), 3, "100 rows cannot be shared by 3 devices");
    assertError(
        groups("self_attn.o_proj", 64, 256), 3, "256 columns cannot be shared by 3 devices");
  }

  /** Two key-value heads on four devices: each holds one head of 128 rows, not 64 rows. */
  @Test
  void copiesKeyHeadsWhenThereAreFewerThanDevices() {
    assertThat(blocks("self_attn.k_proj", 256, 256).check(new TensorParallelRule(4))).isEmpty();
    assertError(
        blocks("self_attn.q_proj", 256, 256),
        4,
        "64 rows a device are not whole blocks of 128 (tensor-parallel size 4)");
  }

  @Test
  void refusesHeadsThatDoNotDivide() {
    assertThat(
            new MemoryCheckpoint()
                .config("{\"num_attention_heads\": 9}")
                .check(new TensorParallelRule(2)))
        .containsExactly(
            Finding.error(
                Loader.VLLM,
                "config.json: num_attention_heads",
                "9 heads cannot be shared by 2 devices",
                "use a tensor-parallel size that divides 9"));
  }

  @Test
  void warnsAboutShapesThatMarlinDoesNotTake() {
    assertThat(groups("mlp.up_proj", 96, 256).check(new TensorParallelRule(1)))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.WARNING);
              assertThat(finding.what()).isEqualTo("[96, 256] a device");
            });
  }
}
