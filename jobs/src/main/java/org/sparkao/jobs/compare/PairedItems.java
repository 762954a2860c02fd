package org.sparkao.jobs.compare;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.quant.QuantException;

/**
 * The items of a task that two runs have in common, in the order of run A's data.
 *
 * @param task name
 * @param a rows of run A
 * @param b rows of run B, of the same items
 * @param onlyA items that B lacks
 * @param onlyB items that A lacks
 * @param otherPrompt pairs whose tokens differ: another tokenizer, template or context
 */
record PairedItems(
    String task,
    List<EvalItemRow> a,
    List<EvalItemRow> b,
    long onlyA,
    long onlyB,
    long otherPrompt) {
  PairedItems {
    a = List.copyOf(a);
    b = List.copyOf(b);
  }

  /**
   * Pairs rows of one task by the hash of the item; records that occur several times in the data
   * are paired in their order.
   */
  static PairedItems of(String task, List<EvalItemRow> ofA, List<EvalItemRow> ofB) {
    requireSameVersion(task, ofA, ofB);
    Map<String, Deque<EvalItemRow>> byHash = new LinkedHashMap<>();
    for (EvalItemRow row : sorted(ofB)) {
      byHash.computeIfAbsent(row.item().hash(), hash -> new ArrayDeque<>()).add(row);
    }
    List<EvalItemRow> a = new ArrayList<>();
    List<EvalItemRow> b = new ArrayList<>();
    long otherPrompt = 0;
    for (EvalItemRow row : sorted(ofA)) {
      Deque<EvalItemRow> others = byHash.get(row.item().hash());
      if (others != null && !others.isEmpty()) {
        EvalItemRow other = others.remove();
        a.add(row);
        b.add(other);
        otherPrompt += row.key().promptHash().equals(other.key().promptHash()) ? 0 : 1;
      }
    }
    return new PairedItems(task, a, b, ofA.size() - a.size(), ofB.size() - b.size(), otherPrompt);
  }

  private static List<EvalItemRow> sorted(List<EvalItemRow> rows) {
    return rows.stream()
        .sorted(Comparator.comparingLong((EvalItemRow row) -> row.item().index()))
        .toList();
  }

  private static void requireSameVersion(
      String task, List<EvalItemRow> ofA, List<EvalItemRow> ofB) {
    String a = ofA.get(0).key().taskVersion();
    String b = ofB.get(0).key().taskVersion();
    if (!a.equals(b)) {
      throw new QuantException(
          "task "
              + task
              + ": version "
              + a
              + " in run "
              + ofA.get(0).runId()
              + ", "
              + b
              + " in run "
              + ofB.get(0).runId()
              + "; evaluate the older one again");
    }
  }

  /** Flips of a metric whose values are 0 and 1. */
  McNemar flips(String metric) {
    long lost = 0;
    long won = 0;
    for (int i = 0; i < a.size(); i++) {
      double before = Statistic.value(a.get(i), metric);
      double after = Statistic.value(b.get(i), metric);
      lost += before > after ? 1 : 0;
      won += after > before ? 1 : 0;
    }
    return new McNemar(lost, won);
  }

  /** The pairs that were scored by likelihood in both runs, with finite ones, in their order. */
  List<ChangedItem> changes() {
    List<ChangedItem> changes = new ArrayList<>();
    for (int i = 0; i < a.size(); i++) {
      double difference =
          b.get(i).outcome().likeliest().orElse(Double.NaN)
              - a.get(i).outcome().likeliest().orElse(Double.NaN);
      if (Double.isFinite(difference)) {
        changes.add(new ChangedItem(a.get(i), b.get(i), difference));
      }
    }
    return changes;
  }

  /** Names of the metrics that both runs have. */
  List<String> metrics() {
    List<String> of = names(b.get(0));
    return names(a.get(0)).stream().filter(of::contains).toList();
  }

  private static List<String> names(EvalItemRow row) {
    return row.scores().metrics().stream().map(EvalItemRow.Value::name).toList();
  }
}
