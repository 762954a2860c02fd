package org.sparkao.jobs.calibrate.plan;

import java.io.Serializable;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.observe.InputObserver.Products;

/**
 * What decides the content of the files, beside model and text. Travels to the executors.
 *
 * @param samples sequences
 * @param sequenceLength tokens of each
 * @param groups of sequences, in whose order sums are made; at most one a sequence
 * @param products whether Hessians are made
 * @param cache whether keys and values are looked at
 * @param expertTokens that an expert must see
 * @param sequential how the model is quantized on the way
 */
public record CalibrateOptions(
    int samples,
    int sequenceLength,
    int groups,
    Products products,
    Cache cache,
    long expertTokens,
    Sequential sequential)
    implements Serializable {

  /** Whether keys and values are looked at. */
  public enum Cache {
    /** Their largest magnitudes are kept. */
    OBSERVED,
    /** No. */
    LEFT
  }

  /** The same, but for keys and values. */
  public CalibrateOptions with(Cache other) {
    return new CalibrateOptions(
        samples, sequenceLength, groups, products, other, expertTokens, sequential);
  }

  /** What can be left out to need less memory, as messages say it. */
  public Optional<String> less() {
    if (sequential.asked()) {
      return Optional.of("calibrate without --sequential");
    }
    return products == Products.SUMMED ? Optional.of("leave out --hessian") : Optional.empty();
  }

  /** First sequence of a group; of the group behind the last, how many there are. */
  public int firstSequence(int group) {
    return (int) ((long) samples * group / groups);
  }

  /** Routed tokens of a group below which an expert is shown all of the group's. */
  public long leastTokens(int group) {
    long sequences = firstSequence(group + 1) - firstSequence(group);
    return (expertTokens * sequences + samples - 1) / samples;
  }

  /** As they stand in {@code calibration.json}. */
  public Map<String, String> named() {
    Map<String, String> named = new TreeMap<>();
    named.put(CalibrationInfo.HESSIAN, Boolean.toString(products == Products.SUMMED));
    named.put(CalibrationInfo.KV_CACHE, Boolean.toString(cache == Cache.OBSERVED));
    named.put("expert-tokens", Long.toString(expertTokens));
    if (sequential.asked()) {
      named.put(CalibrationInfo.SEQUENTIAL, sequential.text());
    }
    return named;
  }
}
