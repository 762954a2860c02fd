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
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** Refuses weights whose shape does not suit their scheme: all of them in one message. */
final class ShapeChecks {
  /** Most bytes of rows that must be in memory together; what an executor slot can afford. */
  static final long MAX_STEP_BYTES = 32L << 20;

  private static final int SMALLEST_GROUP = 16;
  private static final int LARGEST_GROUP = 1024;

  private final Arithmetic arithmetic;
  private final Map<String, List<Quantize>> indivisible = new LinkedHashMap<>();
  private final Map<String, List<Quantize>> refused = new LinkedHashMap<>();

  ShapeChecks(Arithmetic arithmetic) {
    this.arithmetic = arithmetic;
  }

  void require(List<TensorTask> tasks) {
    Map<String, QuantScheme> schemes = new LinkedHashMap<>();
    for (TensorTask task : tasks) {
      if (task instanceof Quantize weight) {
        check(weight, schemes.computeIfAbsent(weight.scheme(), Schemes::parse));
      }
    }
    List<String> messages = new ArrayList<>();
    indivisible.forEach((scheme, weights) -> messages.add(groupMessage(scheme, weights)));
    refused.forEach((message, weights) -> messages.add(names(weights) + ": " + message));
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

  private static String groupMessage(String scheme, List<Quantize> weights) {
    Granularity.PerGroup group =
        (Granularity.PerGroup) Schemes.parse(scheme).weights().granularity();
    long common = weights.stream().mapToLong(w -> w.weight().columns()).reduce(0, ShapeChecks::gcd);
    String fitting =
        LongStream.rangeClosed(SMALLEST_GROUP, Math.min(common, LARGEST_GROUP))
            .filter(size -> common % size == 0)
            .mapToObj(Long::toString)
            .collect(Collectors.joining(", "));
    boolean fixed = !scheme.startsWith("W") && !scheme.startsWith("8DA");
    String columns =
        weights.stream()
            .map(w -> Long.toString(w.weight().columns()))
            .distinct()
            .collect(Collectors.joining(", "));
    return names(weights)
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
                ? "no group size from 16 on divides them: use group_size=-1, or --skip"
                : "group sizes that divide: "
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

  private static String names(List<Quantize> weights) {
    return NameRanges.of(weights.stream().map(Quantize::module).toList());
  }
}
