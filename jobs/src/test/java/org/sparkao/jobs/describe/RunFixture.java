package org.sparkao.jobs.describe;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.describe.TensorResult.Treatment;
import org.sparkao.jobs.table.RunRow;

/** Runs written down for tests: W4A16 over a Llama of so many layers. */
final class RunFixture {
  private static final List<String> MODULES =
      List.of(
          "self_attn.q_proj",
          "self_attn.k_proj",
          "self_attn.v_proj",
          "self_attn.o_proj",
          "mlp.gate_proj",
          "mlp.up_proj",
          "mlp.down_proj");

  private RunFixture() {}

  static RunRow row(String id, RunRow.Status status) {
    Instant start = Instant.parse("2026-11-22T20:00:00Z");
    return new RunRow(
        id,
        "quantize",
        "[\"quantize\",\"--scheme\",\"W4A16\"]",
        "{\"scheme\":[\"W4A16\"],\"skip\":[\"re:.*embed.*\"]}",
        "0.1.0",
        "ab".repeat(32),
        status,
        start,
        status == RunRow.Status.RUNNING ? Optional.empty() : Optional.of(start.plusMillis(83_400)),
        "local-1",
        new RunRow.Volume("models/llama", "out/llama-W4A16", "W4A16", 1000, 300, 30, 14, 2));
  }

  /** 1024 x 1024 weights of 2 bytes, 4.25 bits after; q_proj of layer i has 20 + i / 10 dB. */
  static RunDescription llama(int layers) {
    List<TensorResult> tensors = new ArrayList<>();
    for (long layer = 0; layer < layers; layer++) {
      for (int i = 0; i < MODULES.size(); i++) {
        double sqnr = 20 + layer / 10.0 + i * (layer % 5 == 3 ? -0.6 : 0.4);
        tensors.add(quantized("model.layers." + layer + "." + MODULES.get(i), layer, sqnr));
      }
      tensors.add(
          copied("model.layers." + layer + ".input_layernorm", Optional.of(layer), 1024, "norm"));
    }
    tensors.add(copied("model.embed_tokens", Optional.empty(), 8 << 20, "embedding"));
    return new RunDescription(row("quantize-1", RunRow.Status.DONE), tensors);
  }

  static TensorResult quantized(String module, long layer, double sqnr) {
    return new TensorResult(
        module + ".weight",
        module,
        Optional.of(layer),
        List.of(1024L, 1024L),
        new Treatment(Optional.of("W4A16"), Optional.empty(), "compressed-tensors", "rtn", "cpu"),
        1 << 21,
        557_056,
        0,
        Optional.of(new TensorResult.Error(0.5, sqnr, 0.03, 0.002, 0.001)));
  }

  static TensorResult copied(String module, Optional<Long> layer, long elements, String reason) {
    return new TensorResult(
        module + ".weight",
        module,
        layer,
        List.of(elements),
        new Treatment(Optional.empty(), Optional.of(reason), "compressed-tensors", "rtn", "cpu"),
        2 * elements,
        2 * elements,
        0,
        Optional.empty());
  }
}
