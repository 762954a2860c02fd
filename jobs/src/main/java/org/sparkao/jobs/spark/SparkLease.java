package org.sparkao.jobs.spark;

import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.sparkao.jobs.config.Config;
import scala.Option;

/**
 * A session for as long as it is needed. Whoever started Spark stops it: a job that runs inside
 * another one uses, and leaves, the session of the outer one.
 */
public final class SparkLease implements AutoCloseable {
  private final SparkSession session;
  private final Origin origin;

  private enum Origin {
    STARTED_HERE,
    FOUND
  }

  private SparkLease(SparkSession session, Origin origin) {
    this.session = session;
    this.origin = origin;
  }

  /**
   * Takes the session there is, or starts one.
   *
   * @param name what Spark's pages call the application, when it is started here
   */
  public static SparkLease open(Config config, String name) {
    return running()
        .map(session -> new SparkLease(session, Origin.FOUND))
        .orElseGet(() -> new SparkLease(SparkSessions.open(config, name), Origin.STARTED_HERE));
  }

  private static Optional<SparkSession> running() {
    Option<SparkSession> session = SparkSession.getDefaultSession();
    return session.isDefined() && !session.get().sparkContext().isStopped()
        ? Optional.of(session.get())
        : Optional.empty();
  }

  /** The session. */
  public SparkSession session() {
    return session;
  }

  @Override
  public void close() {
    if (origin == Origin.STARTED_HERE) {
      session.stop();
    }
  }
}
