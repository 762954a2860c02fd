package org.sparkao.jobs.evaluate.logits;

import java.util.Map;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.job.Texts;

/**
 * What a run does with logits.
 *
 * @param location folder of the files, absolute
 * @param vocabulary logits of a token
 * @param keeping whether they are kept
 * @param base keys of the base's items by position in the plan; empty without a base
 */
public record LogitsRequest(
    String location, int vocabulary, Keeping keeping, Map<Integer, String> base) {
  /** Name of the folder among the tables. */
  public static final String FOLDER = "logits";

  /** Freezes the map. */
  public LogitsRequest {
    base = Map.copyOf(base);
  }

  /** Whether logits are kept. */
  public enum Keeping {
    /** They are forgotten once they are scored. */
    NOTHING,
    /** They are written beside the tables. */
    LOGITS
  }

  /** Whether the logits of an item are written: of what is generated there are none. */
  public boolean keeps(ItemWork item) {
    return keeping == Keeping.LOGITS && !item.requests().isEmpty();
  }

  /** The folder as a run uses it. */
  public LogitsFolder folder(String run) {
    return new LogitsFolder(location, run, vocabulary);
  }

  /** The names of an item's files. */
  public ItemNames names(ItemWork item, String key) {
    return new ItemNames(keeps(item) ? key : "", base.getOrDefault(item.position(), ""));
  }

  /** Bytes of the files of some items. */
  public long bytes(Iterable<PlannedItem> items) {
    long bytes = 0;
    for (PlannedItem item : items) {
      if (keeps(item.work())) {
        bytes += LogitsFile.of(item.hash(), item.work(), vocabulary).bytes();
      }
    }
    return bytes;
  }

  /** What the plan says of it; empty where nothing is kept. */
  public String text(EvaluatePlan plan) {
    if (keeping == Keeping.NOTHING) {
      return "";
    }
    long files = plan.items().stream().filter(item -> keeps(item.work())).count();
    return "logits: "
        + Texts.bytes(bytes(plan.items()))
        + " in "
        + Texts.count(files)
        + " files of "
        + location
        + ", F32\n";
  }
}
