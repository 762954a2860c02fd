package org.sparkao.jobs.quantize.budget;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.sparkao.jobs.quantize.plan.TensorTask;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.Numerics;

/** The errors of earlier runs of {@code quantize} on a checkpoint, from the table of tensors. */
final class StoredErrors {
  private final Map<Key, Double> noise = new HashMap<>();
  private final Map<String, String> hashes = new HashMap<>();

  private record Key(String module, String scheme, String shape) {}

  /**
   * Reads what runs from the same place with the same arithmetic left.
   *
   * @param source where the checkpoint lies
   * @throws QuantException when weights were changed between these runs
   */
  static StoredErrors read(DeltaStore store, String source, BudgetRequest request)
      throws IOException {
    Numerics numerics = request.recipe().arithmetic().numerics();
    Set<String> runs = new HashSet<>();
    for (TableRow run : store.read(RunRow.TABLE)) {
      if (run.text("job").equals("quantize") && run.text("source").equals(source)) {
        runs.add(run.text("run_id"));
      }
    }
    StoredErrors errors = new StoredErrors();
    for (TableRow row : store.read(TensorRow.TABLE)) {
      boolean counts =
          runs.contains(row.text("run_id"))
              && row.has("noise")
              && !row.has("sparsity")
              && row.text("numerics").equals(numerics.configName())
              && row.text("algorithm").equals(request.errorsOf().configName());
      if (counts) {
        errors.add(row, source);
      }
    }
    return errors;
  }

  private void add(TableRow row, String source) {
    String module = row.text("module");
    String hash = row.text("source_sha256");
    String before = hashes.putIfAbsent(module, hash);
    if (before != null && !before.equals(hash)) {
      throw new QuantException(
          source
              + ": the weight of "
              + module
              + " was another one in one of the runs that its errors are taken from (SHA-256 "
              + before
              + " and "
              + hash
              + "); quantize again with every scheme and other --tables");
    }
    Key key = new Key(module, row.text("scheme"), row.numbers("shape").toString());
    noise.put(key, row.decimal("noise"));
  }

  /** The sum of squared errors of a weight under its scheme; empty when no run had it. */
  OptionalDouble of(TensorTask.Quantize task) {
    String shape = task.tensor().entry().shape().toString();
    Key key = new Key(task.module(), task.scheme(), shape);
    return Optional.ofNullable(noise.get(key))
        .map(OptionalDouble::of)
        .orElse(OptionalDouble.empty());
  }
}
