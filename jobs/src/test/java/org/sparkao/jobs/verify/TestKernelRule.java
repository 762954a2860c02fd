package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import org.junit.jupiter.api.Test;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.config.Severity;
import org.sparkao.quant.safetensors.DType;

class TestKernelRule {
  private static final String INT4 = MemoryCheckpoint.INT4_GROUP128;

  private static MemoryCheckpoint weights(String weights) {
    return new MemoryCheckpoint().config(MemoryCheckpoint.packed(weights, ""));
  }

  @Test
  void knowsFourAndEightBitsInUsualGroups() {
    assertThat(weights(INT4).check(new KernelRule())).isEmpty();
    assertThat(weights(INT4.replace(": 4", ": 8").replace("128", "32")).check(new KernelRule()))
        .isEmpty();
  }

  @Test
  void warnsAboutOtherWidthsAndGroups() {
    assertThat(weights(INT4.replace(": 4", ": 3")).check(new KernelRule()))
        .extracting(Finding::what)
        .containsExactly("weights of 3 bits");
    assertThat(weights(INT4.replace("128", "96")).check(new KernelRule()))
        .extracting(Finding::what)
        .containsExactly("group size 96");
  }

  @Test
  void warnsAboutFourBitsInAByte() {
    assertThat(
            new MemoryCheckpoint()
                .config(
                    MemoryCheckpoint.packed(INT4, "").replace("pack-quantized", "int-quantized"))
                .check(new KernelRule()))
        .extracting(Finding::wayOut)
        .containsExactly("vLLM wants weight_packed: quantize again with format=pack-quantized");
  }

  @Test
  void refusesFourByEightInSmallGroups() {
    String config =
        MemoryCheckpoint.packed(INT4.replace("128", "64"), "")
            .replace(
                "\"input_activations\": null",
                "\"input_activations\": {\"num_bits\": 8, \"type\": \"float\","
                    + " \"strategy\": \"token\", \"dynamic\": true}");
    assertThat(new MemoryCheckpoint().config(config).check(new KernelRule()))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.ERROR);
              assertThat(finding.loaders()).containsExactly(Loader.VLLM);
            });
    assertThat(new MemoryCheckpoint().config(config.replace("64", "128")).check(new KernelRule()))
        .isEmpty();
  }

  @Test
  void wantsTheScalesOfAQuantizedCache() {
    String config =
        MemoryCheckpoint.packed(INT4, "")
            .replace(
                "\"kv_cache_scheme\": null",
                "\"kv_cache_scheme\": {\"num_bits\": 8, \"type\": \"float\","
                    + " \"strategy\": \"tensor\"}");
    MemoryCheckpoint checkpoint =
        new MemoryCheckpoint()
            .config(config)
            .int4("m.self_attn.k_proj", 64, 256)
            .floats("m.self_attn.k_scale", 1f);
    assertThat(checkpoint.check(new CacheScalesRule()))
        .extracting(Finding::subject, Finding::what)
        .containsExactly(tuple("m.self_attn.v_scale", "is missing though kv_cache_scheme is set"));
    assertThat(checkpoint.tensor("m.self_attn.v_scale", DType.F32, 1).check(new CacheScalesRule()))
        .isEmpty();
    assertThat(checkpoint.config(config.replace("float", "int")).check(new CacheScalesRule()))
        .extracting(Finding::wayOut)
        .containsExactly(
            "vLLM has 8-bit float caches with one static symmetric scale a tensor only");
  }
}
