package org.sparkao.jobs.quantize.run;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.sparkao.jobs.quantize.run.TaskTimes.GpuWork;
import org.sparkao.jobs.quantize.run.TaskTimes.Stage;

/** Where the time of a run went, from what its tasks tell. Any thread may add. */
final class RunTimes {
  private final Map<Stage, Long> stages = new EnumMap<>(Stage.class);
  private final Map<String, GpuWork> begins = new HashMap<>();
  private final Map<String, GpuWork> ends = new HashMap<>();
  private long taskNanos;
  private int tasks;

  /** A finished file. */
  synchronized void add(ShardOutcome outcome) {
    TaskTimes times = outcome.times();
    tasks++;
    taskNanos += outcome.elapsedNanos();
    times.stages().forEach((stage, nanos) -> stages.merge(stage, nanos, Long::sum));
    if (times.begin() != null && times.end() != null) {
      String executor = outcome.attempt().executor();
      begins.merge(executor, times.begin(), (a, b) -> a.any() <= b.any() ? a : b);
      ends.merge(executor, times.end(), (a, b) -> a.any() >= b.any() ? a : b);
    }
  }

  /**
   * One line for the tasks, one for the GPUs where there are any; none before a file is finished.
   *
   * @param wallNanos how long the tasks ran beside each other
   */
  synchronized List<String> lines(long wallNanos) {
    List<String> lines = new ArrayList<>();
    if (tasks == 0) {
      return lines;
    }
    long known = stages.values().stream().mapToLong(Long::longValue).sum();
    String shares =
        stages.entrySet().stream()
            .map(stage -> stage.getKey().text() + " " + percent(stage.getValue(), taskNanos))
            .collect(Collectors.joining(", "));
    lines.add(
        String.format(
            Locale.ROOT,
            "time of %d %s, %.1f s: %s, the rest %s",
            tasks,
            tasks == 1 ? "task" : "tasks",
            taskNanos / 1e9,
            shares,
            percent(Math.max(0, taskNanos - known), taskNanos)));
    if (!ends.isEmpty()) {
      lines.add(gpus(wallNanos));
    }
    return lines;
  }

  private String gpus(long wallNanos) {
    GpuWork work = GpuWork.NONE;
    for (Map.Entry<String, GpuWork> end : ends.entrySet()) {
      work = work.plus(end.getValue().minus(begins.get(end.getKey())));
    }
    long all = wallNanos * work.gpus();
    return String.format(
        Locale.ROOT,
        "%d %s for %.1f s: copying in %s, computing %s, copying back %s, idle %s",
        work.gpus(),
        work.gpus() == 1 ? "GPU" : "GPUs",
        wallNanos / 1e9,
        percent(work.copyIn(), all),
        percent(work.compute(), all),
        percent(work.copyOut(), all),
        percent(Math.max(0, all - work.any()), all));
  }

  private static String percent(long part, long all) {
    return Math.round(100.0 * part / Math.max(1, all)) + " %";
  }
}
