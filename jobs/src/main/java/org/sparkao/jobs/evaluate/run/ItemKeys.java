package org.sparkao.jobs.evaluate.run;

import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.table.EvalItemRow.Key;

/**
 * What outcomes of a run are found by.
 *
 * @param checkpointHash SHA-256 of the checkpoint's content
 * @param numerics how the model computes
 * @param device what computes, with its architecture
 */
record ItemKeys(String checkpointHash, String numerics, String device) {
  /** The key of an item. */
  Key of(PlannedItem item) {
    String prompt = item.promptHash();
    String id =
        new Sha256()
            .line(checkpointHash)
            .line(item.task().name())
            .line(item.task().version())
            .line(item.hash())
            .line(prompt)
            .line(numerics)
            .line(device)
            .hex();
    return new Key(
        id, checkpointHash, item.task().name(), item.task().version(), prompt, numerics, device);
  }
}
