package org.sparkao.jobs.evaluate.logits;

import java.io.Serializable;

/**
 * Keys that files of one item are named by.
 *
 * @param own where its logits are written; empty where they are not kept
 * @param base where the base's are read; empty without a base
 */
public record ItemNames(String own, String base) implements Serializable {
  /** Whether anybody wants the item's logits. */
  public boolean isWanted() {
    return !own.isEmpty() || !base.isEmpty();
  }
}
