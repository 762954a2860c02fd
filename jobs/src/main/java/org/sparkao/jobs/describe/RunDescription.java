package org.sparkao.jobs.describe;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.sparkao.jobs.table.RunRow;

/**
 * Everything that is known of one run, as values.
 *
 * @param run its row in {@code runs}
 * @param tensors its rows in {@code tensors}, in any order; only those of finished files while it
 *     runs
 */
public record RunDescription(RunRow run, List<TensorResult> tensors) {

  /** Freezes the tensors. */
  public RunDescription {
    Objects.requireNonNull(run, "run");
    tensors = List.copyOf(tensors);
  }

  /**
   * What all modules of one type have in common.
   *
   * @param type last part of their names
   * @param tensors how many there are
   * @param quantized how many of them were quantized
   * @param sourceBytes their size before
   * @param outputBytes their size after
   * @param sqnrDb signal to noise of those that were quantized and are neither exact nor zero
   */
  public record ModuleType(
      String type,
      long tensors,
      long quantized,
      long sourceBytes,
      long outputBytes,
      DoubleSummaryStatistics sqnrDb) {}

  /**
   * Tensors that were copied, or quantized otherwise, for the same reason.
   *
   * @param reason why
   * @param tensors how many
   * @param bytes their size
   * @param examples names of some of them
   */
  public record Copied(String reason, long tensors, long bytes, List<String> examples) {}

  /** Size of the tensors before. */
  public long sourceBytes() {
    return tensors.stream().mapToLong(TensorResult::sourceBytes).sum();
  }

  /** Size of the tensors after. */
  public long outputBytes() {
    return tensors.stream().mapToLong(TensorResult::outputBytes).sum();
  }

  /** The tensors that were quantized. */
  public List<TensorResult> quantized() {
    return tensors.stream().filter(TensorResult::quantized).toList();
  }

  /** Bits of the output for each weight of the quantized tensors; NaN when there is none. */
  public double bitsPerQuantizedWeight() {
    return bits(quantized());
  }

  /** Bits of the output for each weight, copied tensors included; NaN when there is none. */
  public double bitsPerWeight() {
    return bits(tensors);
  }

  private static double bits(List<TensorResult> tensors) {
    long elements = tensors.stream().mapToLong(TensorResult::elements).sum();
    long bytes = tensors.stream().mapToLong(TensorResult::outputBytes).sum();
    return 8.0 * bytes / elements;
  }

  /** Signal to noise of all quantized tensors that are neither exact nor all zeros, in dB. */
  public DoubleSummaryStatistics sqnrDb() {
    return sqnr(tensors);
  }

  private static DoubleSummaryStatistics sqnr(List<TensorResult> tensors) {
    return tensors.stream()
        .flatMap(tensor -> tensor.error().stream())
        .filter(TensorResult.Error::measured)
        .flatMapToDouble(error -> DoubleStream.of(error.sqnrDb()))
        .summaryStatistics();
  }

  /** NaN and infinite values that were met, in copied tensors too. */
  public long nonFinite() {
    return tensors.stream().mapToLong(TensorResult::nonFinite).sum();
  }

  /** The types of modules in the order in which a model has them, largest source first. */
  public List<ModuleType> moduleTypes() {
    Map<String, List<TensorResult>> byType = new LinkedHashMap<>();
    tensors.forEach(
        tensor ->
            byType.computeIfAbsent(tensor.moduleType(), type -> new ArrayList<>()).add(tensor));
    List<ModuleType> types = new ArrayList<>();
    byType.forEach((type, list) -> types.add(moduleType(type, list)));
    types.sort(
        Comparator.comparingLong(ModuleType::sourceBytes)
            .reversed()
            .thenComparing(ModuleType::type));
    return types;
  }

  private static ModuleType moduleType(String type, List<TensorResult> tensors) {
    return new ModuleType(
        type,
        tensors.size(),
        tensors.stream().filter(TensorResult::quantized).count(),
        tensors.stream().mapToLong(TensorResult::sourceBytes).sum(),
        tensors.stream().mapToLong(TensorResult::outputBytes).sum(),
        sqnr(tensors));
  }

  /** The quantized tensors with the most noise for their signal, at most {@code limit} of them. */
  public List<TensorResult> worst(int limit) {
    return tensors.stream()
        .filter(tensor -> tensor.error().filter(TensorResult.Error::measured).isPresent())
        .sorted(
            Comparator.comparingDouble(
                    (TensorResult tensor) -> tensor.error().orElseThrow().sqnrDb())
                .thenComparing(TensorResult::tensor))
        .limit(limit)
        .toList();
  }

  /** What was copied, by reason, most bytes first; each with at most {@code examples} names. */
  public List<Copied> copied(int examples) {
    return byReason(tensors.stream().filter(tensor -> !tensor.quantized()), examples);
  }

  /** What was quantized otherwise than asked for, by what the algorithm fell back to; likewise. */
  public List<Copied> fallbacks(int examples) {
    return byReason(
        tensors.stream()
            .filter(TensorResult::quantized)
            .filter(tensor -> tensor.treatment().reason().isPresent()),
        examples);
  }

  private static List<Copied> byReason(Stream<TensorResult> tensors, int examples) {
    Map<String, List<TensorResult>> byReason = new LinkedHashMap<>();
    tensors
        .sorted(Comparator.comparing(TensorResult::tensor))
        .forEach(
            tensor ->
                byReason
                    .computeIfAbsent(
                        tensor.treatment().reason().orElse("-"), reason -> new ArrayList<>())
                    .add(tensor));
    List<Copied> grouped = new ArrayList<>();
    byReason.forEach(
        (reason, list) ->
            grouped.add(
                new Copied(
                    reason,
                    list.size(),
                    list.stream().mapToLong(TensorResult::sourceBytes).sum(),
                    list.stream().limit(examples).map(TensorResult::tensor).toList())));
    grouped.sort(Comparator.comparingLong(Copied::bytes).reversed().thenComparing(Copied::reason));
    return grouped;
  }
}
