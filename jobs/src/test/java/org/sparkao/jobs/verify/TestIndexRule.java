package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

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
  void missesTheIndexOfSeveralShards() {
    assertThat(shards().check(new IndexRule()))
        .containsExactly(
            Finding.error(
                "model.safetensors.index.json",
                "is missing beside 2 shards",
                "the run that wrote them did not end; run it again"));
  }

  @Test
  void findsWhatTheIndexLeavesOutMisplacesOrInvents() {
    String map = "\"x.weight\": \"b.safetensors\", \"z.weight\": \"b.safetensors\"";
    assertThat(shards().index(index(map, "\"total_size\": 16")).check(new IndexRule()))
        .extracting(Finding::subject, Finding::what)
        .containsExactly(
            tuple("y.weight", "in b.safetensors is not in model.safetensors.index.json"),
            tuple(
                "x.weight",
                "model.safetensors.index.json says b.safetensors, it is in a.safetensors"),
            tuple("z.weight", "model.safetensors.index.json says b.safetensors, no file has it"));
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
