package org.sparkao.jobs.spark;

import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.sparkao.jobs.config.Config;

/**
 * Spark for as long as it is needed. Whoever started it stops it: a job that runs inside another
 * one, or in a notebook, uses and leaves what is there.
 */
public final class SparkLease implements AutoCloseable {
  private final SparkContext context;
  private final Origin origin;

  private enum Origin {
    STARTED_HERE,
    FOUND
  }

  private SparkLease(SparkContext context, Origin origin) {
    this.context = context;
    this.origin = origin;
  }

  /**
   * Takes the Spark that runs in this process, or starts one.
   *
   * @param name what Spark's pages call the application, when it is started here
   */
  public static SparkLease open(Config config, String name) {
    return open(config, name, Map.of());
  }

  /**
   * The same for a job that needs settings of its own.
   *
   * @param settings what it is started with beside what the configuration says
   */
  public static SparkLease open(Config config, String name, Map<String, String> settings) {
    return SparkEnv.get() != null
        ? new SparkLease(SparkContext.getOrCreate(), Origin.FOUND)
        : new SparkLease(SparkSessions.open(config, name, settings), Origin.STARTED_HERE);
  }

  /** What runs stages. */
  public SparkContext context() {
    return context;
  }

  @Override
  public void close() {
    if (origin == Origin.STARTED_HERE) {
      context.stop();
    }
  }
}
