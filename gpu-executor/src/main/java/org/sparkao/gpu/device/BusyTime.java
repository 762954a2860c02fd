package org.sparkao.gpu.device;

import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * How long the engines of a device were at work: what several streams do at the same time counts
 * once. Spans may come in any order, as their ends are noticed. Any thread may use it.
 */
public final class BusyTime {

  /** What works beside each other. */
  public enum Engine {
    /** Copies to the device. */
    COPY_IN,
    /** Kernels. */
    COMPUTE,
    /** Copies back. */
    COPY_OUT
  }

  private final Map<Engine, Spans> engines = new EnumMap<>(Engine.class);
  private final Spans all = new Spans();

  /** Idle so far. */
  public BusyTime() {
    for (Engine engine : Engine.values()) {
      engines.put(engine, new Spans());
    }
  }

  /** An engine was at work from {@code begin} to {@code end}, nanoseconds of one clock. */
  public synchronized void add(Engine engine, long begin, long end) {
    engines.get(engine).add(begin, end);
    all.add(begin, end);
  }

  /** Does work of an engine that it waits for, and notes how long that took. */
  public <R> R time(Engine engine, Supplier<R> work) {
    long begin = System.nanoTime();
    R result = work.get();
    add(engine, begin, System.nanoTime());
    return result;
  }

  /** Nanoseconds in which an engine was at work. */
  public synchronized long nanos(Engine engine) {
    return engines.get(engine).total();
  }

  /** Nanoseconds in which any of them was. */
  public synchronized long nanos() {
    return all.total();
  }

  /**
   * A union of spans. Only the last ones are kept apart; what comes later than those counts not.
   */
  private static final class Spans {
    private static final int KEPT = 1024;

    private final TreeMap<Long, Long> apart = new TreeMap<>();
    private long settled;
    private long settledUntil = Long.MIN_VALUE;

    void add(long begin, long end) {
      long from = Math.max(begin, settledUntil);
      long until = end;
      if (from >= until) {
        return;
      }
      Map.Entry<Long, Long> before = apart.floorEntry(from);
      if (before != null && before.getValue() >= from) {
        from = before.getKey();
        until = Math.max(until, before.getValue());
      }
      Map.Entry<Long, Long> next = apart.ceilingEntry(from);
      while (next != null && next.getKey() <= until) {
        until = Math.max(until, next.getValue());
        apart.remove(next.getKey());
        next = apart.ceilingEntry(from);
      }
      apart.put(from, until);
      if (apart.size() > KEPT) {
        Map.Entry<Long, Long> first = apart.pollFirstEntry();
        settled += first.getValue() - first.getKey();
        settledUntil = first.getValue();
      }
    }

    long total() {
      long sum = settled;
      for (Map.Entry<Long, Long> span : apart.entrySet()) {
        sum += span.getValue() - span.getKey();
      }
      return sum;
    }
  }
}
