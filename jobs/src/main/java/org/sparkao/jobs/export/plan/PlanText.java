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
    for (PlannedTensor planned : plan.tensors()) {
      GgufTensor tensor = planned.target();
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
        + (plan.files().size() > 1 ? " in " + plan.files().size() + " files" : "")
        + "\n"
        + quantized(plan);
  }

  /** What becomes of weights that are quantized already. */
  private static String quantized(ExportPlan plan) {
    Map<String, Long> kept = new TreeMap<>();
    Map<String, Long> again = new TreeMap<>();
    for (PlannedTensor tensor : plan.tensors()) {
      if (tensor.origin().quantized()) {
        (tensor.keepsCodes() ? kept : again).merge(tensor.origin().scheme(), 1L, Long::sum);
      }
    }
    StringBuilder text = new StringBuilder();
    kept.forEach(
        (scheme, count) -> text.append(String.format("%8dx %s keeps its codes%n", count, scheme)));
    again.forEach(
        (scheme, count) ->
            text.append(
                String.format(
                    "%8dx %s is dequantized and rounded anew, which loses some of it; codes of"
                        + " W4A16(group_size=32) stay as they are in Q4_0%n",
                    count, scheme)));
    return text.toString();
  }
}
