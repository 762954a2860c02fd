package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.safetensors.DType;

class TestSharedScalesRule {
  private static final String ATTENTION = "model.layers.0.self_attn";
  private static final List<String> PARTS = List.of("q_proj", "k_proj", "v_proj");
  private static final String FP8_TENSOR =
      """
      {"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized",
       "quantization_status": "compressed",
       "config_groups": {"group_0": {"targets": ["Linear"],
        "weights": {"num_bits": 8, "type": "float", "strategy": "tensor"},
        "input_activations": {"num_bits": 8, "type": "float", "strategy": "tensor"}}}}}
      """;
  private static final String NVFP4 =
      """
      {"quantization_config": {"quant_method": "compressed-tensors",
       "format": "nvfp4-pack-quantized", "quantization_status": "compressed",
       "config_groups": {"group_0": {"targets": ["Linear"],
        "weights": {"num_bits": 4, "type": "float", "strategy": "tensor_group",
         "group_size": 16}}}}}
      """;

  private static MemoryCheckpoint fp8(float q, float k, float v) {
    MemoryCheckpoint checkpoint = new MemoryCheckpoint().config(FP8_TENSOR);
    float[] scales = {q, k, v};
    for (int i = 0; i < PARTS.size(); i++) {
      String module = ATTENTION + "." + PARTS.get(i);
      checkpoint.tensor(module + ".weight", DType.F8_E4M3, 64, 64);
      checkpoint.floats(module + ".weight_scale", scales[i]);
    }
    return checkpoint;
  }

  private static MemoryCheckpoint nvfp4(float q, float k, float v) {
    MemoryCheckpoint checkpoint = new MemoryCheckpoint().config(NVFP4);
    float[] scales = {q, k, v};
    for (int i = 0; i < PARTS.size(); i++) {
      String module = ATTENTION + "." + PARTS.get(i);
      checkpoint.tensor(module + ".weight_packed", DType.U8, 64, 32);
      checkpoint.tensor(module + ".weight_scale", DType.F8_E4M3, 64, 4);
      checkpoint.floats(module + ".weight_global_scale", scales[i]);
    }
    return checkpoint;
  }

  @Test
  void acceptsOneScale() {
    assertThat(fp8(0.5f, 0.5f, 0.5f).check(new SharedScalesRule())).isEmpty();
    assertThat(nvfp4(300, 300, 300).check(new SharedScalesRule())).isEmpty();
  }

  @Test
  void warnsAboutDifferentFp8Scales() {
    assertThat(fp8(0.5f, 0.25f, 0.5f).check(new SharedScalesRule()))
        .containsExactly(
            Finding.warning(
                Loader.VLLM,
                ATTENTION + ".(k_proj|q_proj|v_proj).weight_scale",
                "are fused but differ: {k_proj=0.25, q_proj=0.5, v_proj=0.5}",
                "quantize them with one scale: vLLM rounds the others a second time"));
  }

  @Test
  void refusesDifferentGlobalScales() {
    assertThat(nvfp4(300, 300, 310).check(new SharedScalesRule()))
        .containsExactly(
            Finding.error(
                Loader.VLLM,
                ATTENTION + ".(k_proj|q_proj|v_proj).weight_global_scale",
                "are fused but differ: {k_proj=300.0, q_proj=300.0, v_proj=310.0}",
                "quantize them together: vLLM takes one of them for all"));
  }

  @Test
  void refusesDifferentSchemesUnderOneRoof() {
    String config =
        FP8_TENSOR.replace(
            "\"config_groups\": {",
            "\"config_groups\": {\"v\": {\"targets\": [\"re:.*v_proj\"], \"weights\":"
                + " {\"num_bits\": 8, \"type\": \"float\", \"strategy\": \"channel\"}},");
    assertThat(fp8(1, 1, 1).config(config).check(new SharedScalesRule()))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.what())
                    .isEqualTo("are fused but belong to different groups [group_0, v]"));
  }
}
