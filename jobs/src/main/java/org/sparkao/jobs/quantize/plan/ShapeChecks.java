package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** Refuses weights whose shape does not suit their scheme: all of them in one message. */
final class ShapeChecks {
  /** Most bytes of rows that must be in memory together; what an executor slot can afford. */
  static final long MAX_STEP_BYTES = 32L << 20;

  private static final int SMALLEST_GROUP = 16;
  private static final int LARGEST_GROUP = 1024;
  private static final int SHOWN_FILES = 3;

  private final Arithmetic arithmetic;
  private final Map<String, List<Quantize>> indivisible = new LinkedHashMap<>();

  /** Greatest number that divides the rows of all weights of a scheme, those that fit included. */
  private final Map<String, Long> commonDivisors = new LinkedHashMap<>();

  private final Map<String, List<Quantize>> refused = new LinkedHashMap<>();

  ShapeChecks(Arithmetic arithmetic) {
    this.arithmetic = arithmetic;
  }

  void require(List<TensorTask> tasks) {
    Map<String, QuantScheme> schemes = new LinkedHashMap<>();
    for (TensorTask task : tasks) {
      if (task instanceof Quantize weight) {
        commonDivisors.merge(weight.scheme(), weight.weight().columns(), ShapeChecks::gcd);
        check(weight, schemes.computeIfAbsent(weight.scheme(), Schemes::parse));
      }
    }
    List<String> messages = new ArrayList<>();
    indivisible.forEach((scheme, weights) -> messages.add(groupMessage(scheme, weights)));
    refused.forEach((message, weights) -> messages.add(where(weights) + ": " + message));
    if (!messages.isEmpty()) {
      throw new QuantException(String.join("\n", messages));
    }
  }

  private void check(Quantize weight, QuantScheme scheme) {
    if (scheme.weights().granularity() instanceof Granularity.PerGroup group
        && weight.weight().columns() % group.size() != 0) {
      indivisible.computeIfAbsent(weight.scheme(), s -> new ArrayList<>()).add(weight);
      return;
    }
    try {
      long rowBytes = weight.weight().dtype().bytes(weight.weight().columns());
      for (PackedPart part : arithmetic.parts(weight)) {
        long rows = part.rowsPerStep() == Integer.MAX_VALUE ? 1 : part.rowsPerStep();
        if (rows > MAX_STEP_BYTES / rowBytes) {
          throw new QuantException(
              rows
                  + " rows of "
                  + rowBytes
                  + " bytes are needed at once, more than the "
                  + MAX_STEP_BYTES
                  + " that a task may hold; skip the module, or use a scheme"
                  + " with one scale a row");
        }
      }
    } catch (QuantException e) {
      refused.computeIfAbsent(e.getMessage(), m -> new ArrayList<>()).add(weight);
    }
  }

  private String groupMessage(String scheme, List<Quantize> weights) {
    QuantArgs args = Schemes.parse(scheme).weights();
    Granularity.PerGroup group = (Granularity.PerGroup) args.granularity();
    long common = commonDivisors.get(scheme);
    String fitting =
        LongStream.rangeClosed(SMALLEST_GROUP, Math.min(common, LARGEST_GROUP))
            .filter(size -> common % size == 0)
            .mapToObj(Long::toString)
            .collect(Collectors.joining(", "));
    boolean fixed = args.scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE;
    String columns =
        weights.stream()
            .map(w -> Long.toString(w.weight().columns()))
            .distinct()
            .collect(Collectors.joining(", "));
    return where(weights)
        + ": rows of "
        + columns
        + " weights are not multiples of group size "
        + group.size()
        + " (scheme "
        + scheme
        + "); "
        + (fixed
            ? "the group size is part of the format, so use --skip for these modules"
            : fitting.isEmpty()
                ? "no group size from 16 on divides all rows of this scheme: use group_size=-1, or"
                    + " --skip"
                : "group sizes that divide all rows of this scheme: "
                    + fitting
                    + "; use group_size="
                    + preferred(common)
                    + ", or --skip for these modules");
  }

  private static long preferred(long common) {
    return LongStream.of(128, 64, 32, 16).filter(size -> common % size == 0).findFirst().orElse(-1);
  }

  private static long gcd(long a, long b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  private static String where(List<Quantize> weights) {
    List<String> files = weights.stream().map(w -> w.tensor().file()).distinct().toList();
    return NameRanges.of(weights.stream().map(Quantize::module).toList())
        + " in "
        + String.join(", ", files.subList(0, Math.min(SHOWN_FILES, files.size())))
        + (files.size() > SHOWN_FILES ? " and " + (files.size() - SHOWN_FILES) + " others" : "");
  }
}
