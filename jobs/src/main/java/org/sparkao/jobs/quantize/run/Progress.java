package org.sparkao.jobs.quantize.run;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.LongAccumulator;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.job.Console;
import scala.Tuple4;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Says how far a run is: one line that is rewritten on a terminal, a plain line now and then
 * otherwise. Bytes of running tasks come with the executors' heartbeats.
 */
final class Progress extends SparkListener implements AutoCloseable {
  private static final long TERMINAL_MILLIS = 500;
  private static final long PLAIN_MILLIS = 10_000;

  private final Console console;
  private final LongAccumulator finishedTasks;
  private final long totalBytes;
  private final long totalTensors;
  private final long start = System.nanoTime();
  private final AtomicLong tensors = new AtomicLong();
  private final Map<Long, Long> runningTasks = new ConcurrentHashMap<>();
  private final Thread printer;
  private volatile Optional<String> after = Optional.empty();

  Progress(Console console, LongAccumulator bytesRead, long totalBytes, long totalTensors) {
    this.console = console;
    this.finishedTasks = bytesRead;
    this.totalBytes = totalBytes;
    this.totalTensors = totalTensors;
    this.printer = new Thread(this::print, "progress");
    printer.setDaemon(true);
    printer.start();
  }

  /** A file is done. */
  void finished(int tensorsOfFile) {
    tensors.addAndGet(tensorsOfFile);
  }

  /** All files are written and something else goes on; a log is told once. */
  void doing(String what) {
    show();
    if (console.terminal() == Console.Terminal.PLAIN) {
      console.err().println(what);
    }
    after = Optional.of(what);
  }

  @Override
  public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    for (Tuple4<Object, Object, Object, scala.collection.immutable.Seq<AccumulableInfo>> task :
        CollectionConverters.asJava(update.accumUpdates())) {
      for (AccumulableInfo info : CollectionConverters.asJava(task._4())) {
        if (info.id() == finishedTasks.id() && info.update().isDefined()) {
          runningTasks.put((Long) task._1(), (Long) info.update().get());
        }
      }
    }
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd end) {
    runningTasks.remove(end.taskInfo().taskId());
  }

  private void print() {
    boolean terminal = console.terminal() == Console.Terminal.INTERACTIVE;
    try {
      while (true) {
        Thread.sleep(terminal ? TERMINAL_MILLIS : PLAIN_MILLIS);
        if (terminal || after.isEmpty()) {
          show();
        }
      }
    } catch (InterruptedException e) {
      if (terminal) {
        show();
        console.err().println();
      }
    }
  }

  private void show() {
    long bytes =
        finishedTasks.sum() + runningTasks.values().stream().mapToLong(Long::longValue).sum();
    String line =
        line(Math.min(bytes, totalBytes), totalBytes, tensors.get(), totalTensors, seconds());
    PrintStream err = console.err();
    if (console.terminal() == Console.Terminal.INTERACTIVE) {
      err.print("\r" + after.orElse(line) + "\033[K");
      err.flush();
    } else {
      err.println(line);
    }
  }

  private double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  static String line(long bytes, long allBytes, long done, long all, double seconds) {
    double rate = bytes / Math.max(seconds, 1e-3);
    String left =
        bytes == 0 ? "" : ", " + duration(Math.round((allBytes - bytes) / rate)) + " left";
    return String.format(
        Locale.ROOT,
        "%3d%%  %s of %s, %d of %d tensors, %s/s%s",
        allBytes == 0 ? 100 : bytes * 100 / allBytes,
        ByteSize.format(bytes),
        ByteSize.format(allBytes),
        done,
        all,
        ByteSize.format(Math.round(rate)),
        left);
  }

  /** {@code 42s}, {@code 3m07s}, {@code 2h05m}. */
  static String duration(long seconds) {
    if (seconds < 60) {
      return seconds + "s";
    }
    return seconds < 3600
        ? String.format(Locale.ROOT, "%dm%02ds", seconds / 60, seconds % 60)
        : String.format(Locale.ROOT, "%dh%02dm", seconds / 3600, seconds % 3600 / 60);
  }

  @Override
  public void close() {
    printer.interrupt();
    try {
      printer.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
