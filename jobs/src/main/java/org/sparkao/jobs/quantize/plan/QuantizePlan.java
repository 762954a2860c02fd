package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.Objects;
import org.sparkao.quant.checkpoint.FileEntry;

/**
 * Everything that a run will do.
 *
 * @param arithmetic what all weights share
 * @param nonFinite what becomes of NaN and infinities
 * @param shards the files of tensors
 * @param smoothing layers that take scales over from what makes their inputs
 * @param totals their sums
 * @param config text of {@code config.json}
 * @param index which file holds which tensor
 * @param sideFiles files of the source that are copied
 * @param fingerprint hash of everything that decides the output
 */
public record QuantizePlan(
    Arithmetic arithmetic,
    NonFinitePolicy nonFinite,
    List<ShardTask> shards,
    List<SmoothedPair> smoothing,
    Totals totals,
    String config,
    Index index,
    List<FileEntry> sideFiles,
    String fingerprint) {

  /** Freezes the lists. */
  public QuantizePlan {
    Objects.requireNonNull(totals, "totals");
    shards = List.copyOf(shards);
    smoothing = List.copyOf(smoothing);
    sideFiles = List.copyOf(sideFiles);
  }

  /**
   * The index of several files.
   *
   * @param file its name
   * @param text empty for a single file, which has none
   */
  public record Index(String file, String text) {}

  /**
   * Sums.
   *
   * @param sourceBytes of tensors read
   * @param outputBytes of files written
   * @param tensors entries of the table {@code tensors}
   * @param quantized of them that become codes
   */
  public record Totals(long sourceBytes, long outputBytes, long tensors, long quantized) {}
}
