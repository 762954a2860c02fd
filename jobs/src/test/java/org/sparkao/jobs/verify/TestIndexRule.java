package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.sparkao.quant.safetensors.DType;

class TestIndexRule {
  private static MemoryCheckpoint shards() {
    return new MemoryCheckpoint()
        .tensorIn("a.safetensors", "x.weight", DType.BF16, 4)
        .tensorIn("b.safetensors", "y.weight", DType.F32, 2);
  }

  private static String index(String map, String size) {
    return "{\"metadata\": {%s}, \"weight_map\": {%s}}".formatted(size, map);
  }

  private static final String GOOD =
      "\"x.weight\": \"a.safetensors\", \"y.weight\": \"b.safetensors\"";

  @Test
  void acceptsACompleteIndexAndASingleFileWithout() {
    assertThat(shards().index(index(GOOD, "\"total_size\": 16")).check(new IndexRule())).isEmpty();
    assertThat(new MemoryCheckpoint().tensor("x.weight", DType.BF16, 4).check(new IndexRule()))
        .isEmpty();
  }

  @Test
  void comparesTheTotalSize() {
    assertThat(shards().index(index(GOOD, "\"total_size\": 17")).check(new IndexRule()))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.what())
                    .isEqualTo("metadata.total_size is 17, the tensors have 16 bytes"));
    assertThat(shards().index(index(GOOD, "")).check(new IndexRule()))
        .singleElement()
        .satisfies(finding -> assertThat(finding.what()).isEqualTo("has no metadata.total_size"));
  }
}
