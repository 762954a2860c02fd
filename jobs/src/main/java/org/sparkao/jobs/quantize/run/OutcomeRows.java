package org.sparkao.jobs.quantize.run;

import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.LinearModules;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.quantize.plan.TensorTask;
import org.sparkao.jobs.quantize.run.ShardOutcome.TensorOutcome;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.safetensors.Sha256;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.WrittenTensor;

/** What a task did, as rows of the tables. */
final class OutcomeRows {
  /** How codes were chosen where scales were given. */
  private static final String LEARNED = "learned";

  /** Why there are no codes where some weights became zero. */
  private static final String PRUNED = "zeros alone";

  private final String runId;
  private final String fingerprint;
  private final Arithmetic arithmetic;
  private final Predicate<String> learned;

  /**
   * Rows of a run.
   *
   * @param learned whether the scales of a module were learned
   */
  OutcomeRows(String runId, String fingerprint, Arithmetic arithmetic, Predicate<String> learned) {
    this.learned = learned;
    this.runId = runId;
    this.fingerprint = fingerprint;
    this.arithmetic = arithmetic;
  }

  ShardRow shard(ShardTask task, ShardOutcome outcome) {
    ShardOutcome.Attempt attempt = outcome.attempt();
    return new ShardRow(
        runId,
        fingerprint,
        outcome.file(),
        outcome.bytes(),
        task.sourceBytes(),
        outcome.tensors().size(),
        outcome.elapsedNanos(),
        new ShardRow.Attempt(
            attempt.id(),
            attempt.number(),
            attempt.executor(),
            attempt.host(),
            Instant.ofEpochMilli(attempt.finishedMillis())));
  }

  List<TensorRow> tensors(ShardTask task, ShardOutcome outcome) {
    List<TensorTask> tasks = task.tensors();
    List<TensorRow> rows = new ArrayList<>();
    for (int i = 0; i < tasks.size(); i++) {
      TensorOutcome tensor = outcome.tensors().get(i);
      rows.add(
          new TensorRow(
              runId,
              source(tasks.get(i), tensor),
              treatment(tasks.get(i), tensor, outcome.attempt().device()),
              tensor.parts().stream().map(OutcomeRows::part).toList(),
              outcome.file(),
              digest(tensor.parts()),
              tensor.nonFinite(),
              Optional.ofNullable(tensor.statistics()),
              tensor.elapsedNanos(),
              outcome.attempt().id(),
              outcome.attempt().executor()));
    }
    return rows;
  }

  private static TensorRow.Source source(TensorTask task, TensorOutcome outcome) {
    TensorEntry entry = task.tensor().entry();
    return new TensorRow.Source(
        entry.name(),
        task.module(),
        LinearModules.layer(entry.name()),
        entry.dtype().name(),
        entry.shape(),
        task.tensor().file(),
        entry.begin(),
        entry.end(),
        outcome.sourceSha256());
  }

  private TensorRow.Treatment treatment(TensorTask task, TensorOutcome outcome, String device) {
    String numerics = arithmetic.numerics().configName();
    if (task instanceof TensorTask.Quantize quantize) {
      return new TensorRow.Treatment(
          Optional.of(quantize.scheme()),
          Optional.ofNullable(outcome.fallback()).filter(text -> !text.isEmpty()),
          numerics,
          learned.test(task.module()) ? LEARNED : arithmetic.algorithm().configName(),
          zeros(outcome),
          device);
    }
    if (task instanceof TensorTask.Prune) {
      String fallback = Optional.ofNullable(outcome.fallback()).orElse("");
      return new TensorRow.Treatment(
          Optional.empty(),
          Optional.of(PRUNED + (fallback.isEmpty() ? "" : "; " + fallback)),
          numerics,
          arithmetic.sparsity().algorithm().configName(),
          zeros(outcome),
          device);
    }
    String reason =
        task instanceof TensorTask.Copy copy ? copy.reason() : ((TensorTask.Unpack) task).reason();
    return new TensorRow.Treatment(Optional.empty(), Optional.of(reason), numerics, "copy", device);
  }

  private Optional<TensorRow.Zeros> zeros(TensorOutcome outcome) {
    return Optional.ofNullable(outcome.pruning())
        .map(statistics -> new TensorRow.Zeros(arithmetic.sparsity().text(), statistics));
  }

  private static TensorRow.Part part(WrittenTensor part) {
    return new TensorRow.Part(part.name(), part.begin(), part.bytes(), part.sha256());
  }

  private static String digest(List<WrittenTensor> parts) {
    if (parts.size() == 1) {
      return parts.get(0).sha256();
    }
    MessageDigest digest = Sha256.newDigest();
    parts.forEach(part -> digest.update(HexFormat.of().parseHex(part.sha256())));
    return Sha256.hex(digest);
  }
}
