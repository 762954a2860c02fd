package org.sparkao.jobs.evaluate.run;

import java.util.Map;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.table.EvalItemRow.Key;

/**
 * What outcomes of a run are found by.
 *
 * @param checkpointHash SHA-256 of the checkpoint's content
 * @param numerics how the model computes
 * @param device what computes, with its architecture
 * @param base keys of a base's items by position in the plan; empty without a base
 */
record ItemKeys(String checkpointHash, String numerics, String device, Map<Integer, String> base) {
  ItemKeys {
    base = Map.copyOf(base);
  }

  /** The key of an item. */
  Key of(PlannedItem item) {
    String prompt = item.promptHash();
    Sha256 id =
        new Sha256()
            .line(checkpointHash)
            .line(item.task().name())
            .line(item.task().version())
            .line(item.hash())
            .line(prompt)
            .line(numerics)
            .line(device);
    if (base.containsKey(item.work().position())) {
      id.line("base " + base.get(item.work().position()));
    }
    return new Key(
        id.hex(),
        checkpointHash,
        item.task().name(),
        item.task().version(),
        prompt,
        numerics,
        device);
  }
}
