package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * Deals units into files, in order. A file is full at the smaller of the user's limit and the
 * larger of 256 MiB and a 64th of the output: several files for each executor slot, whatever their
 * number, so that the plan does not depend on it. Algorithms that compute for long get files from 8
 * MiB on, so that there is work for all slots.
 */
final class ShardPacking {
  private static final long SMALLEST_TARGET_BYTES = 256L << 20;
  private static final long SMALLEST_OF_LONG_WORK = 8L << 20;
  private static final int MOST_SHARDS = 64;

  private final Arithmetic arithmetic;
  private final long maxShardBytes;
  private final String stem;

  /** Names of files begin with {@code stem}. */
  ShardPacking(Arithmetic arithmetic, long maxShardBytes, String stem) {
    this.arithmetic = arithmetic;
    this.maxShardBytes = maxShardBytes;
    this.stem = stem;
  }

  List<ShardTask> pack(List<ShardTask.Unit> units) {
    long[] bytes = units.stream().mapToLong(this::bytes).toArray();
    long total = 0;
    for (long unit : bytes) {
      total = Math.addExact(total, unit);
    }
    boolean longWork = arithmetic.needsProducts();
    long smallest = longWork ? SMALLEST_OF_LONG_WORK : SMALLEST_TARGET_BYTES;
    long target = Math.min(maxShardBytes, Math.max(smallest, total / MOST_SHARDS));
    List<List<ShardTask.Unit>> files = new ArrayList<>();
    List<ShardTask.Unit> open = new ArrayList<>();
    long filled = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (!open.isEmpty() && filled + bytes[i] > target) {
        files.add(open);
        open = new ArrayList<>();
        filled = 0;
      }
      open.add(units.get(i));
      filled += bytes[i];
    }
    files.add(open);
    String names =
        OutputLayout.of(arithmetic.layout())
            .tensorNames(units.stream().flatMap(unit -> unit.tensors().stream()).toList());
    List<ShardTask> shards = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      shards.add(new ShardTask(name(i, files.size()), files.get(i), names));
    }
    return shards;
  }

  private long bytes(ShardTask.Unit unit) {
    return unit.tensors().stream()
        .flatMap(task -> task.outputs(arithmetic).stream())
        .mapToLong(TensorSpec::bytes)
        .sum();
  }

  private String name(int index, int count) {
    return count == 1
        ? stem + ".safetensors"
        : String.format(Locale.ROOT, "%s-%05d-of-%05d.safetensors", stem, index + 1, count);
  }
}
