package org.sparkao.jobs.export.plan;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.sparkao.jobs.job.Texts;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;

/** A plan as people read it. */
public final class PlanText {
  private PlanText() {}

  /** Types with what they hold, and the size of the file. */
  public static String of(ExportPlan plan) {
    Map<GgufType, Long> counts = new TreeMap<>();
    Map<GgufType, Long> bytes = new TreeMap<>();
    for (GgufTensor tensor : plan.header().tensors()) {
      counts.merge(tensor.type(), 1L, Long::sum);
      bytes.merge(tensor.type(), tensor.bytes(), Long::sum);
    }
    return plan.checkpoint().location()
        + ": "
        + plan.checkpoint().tensors().size()
        + " tensors, "
        + Texts.bytes(plan.checkpoint().totalBytes())
        + "\n"
        + counts.entrySet().stream()
            .map(
                entry ->
                    String.format(
                        "%8dx %-8s %s%n",
                        entry.getValue(), entry.getKey(), Texts.bytes(bytes.get(entry.getKey()))))
            .collect(Collectors.joining())
        + "GGUF "
        + plan.recipe()
        + ": "
        + plan.tensors().size()
        + " tensors, "
        + Texts.bytes(plan.bytes())
        + "\n";
  }
}
