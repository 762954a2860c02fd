package org.sparkao.jobs.spark;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import scala.Tuple2;

/** Makes the session of a run. */
public final class SparkSessions {
  private static final Pattern LOCAL = Pattern.compile("local(?:\\[([^,\\]]+)\\])?");
  private static final int TASK_ATTEMPTS = 4;

  private SparkSessions() {}

  /**
   * A session for as long as a job needs it.
   *
   * @param session the session
   * @param origin whether it ends with the lease
   */
  public record Lease(SparkSession session, Origin origin) implements AutoCloseable {
    /** Where a session comes from. */
    public enum Origin {
      /** Started for the lease; ends with it. */
      STARTED,
      /** Was there before, as in a notebook; stays. */
      FOUND
    }

    @Override
    public void close() {
      if (origin == Origin.STARTED) {
        session.stop();
      }
    }
  }

  /** Like {@link #open}, and stops the session in the end unless it was there before. */
  public static Lease lease(Config config, String name) {
    boolean found = SparkSession.getDefaultSession().filter(s -> !stopped(s)).isDefined();
    return new Lease(open(config, name), found ? Lease.Origin.FOUND : Lease.Origin.STARTED);
  }

  private static boolean stopped(SparkSession session) {
    return session.sparkContext().isStopped();
  }

  /**
   * Starts Spark, or takes the session there is. Settings: the user's {@code --conf}, then
   * spark-submit's, then this program's.
   *
   * @param name what Spark's pages call the application
   */
  public static SparkSession open(Config config, String name) {
    SparkConf conf = new SparkConf();
    config.all(CommonKeys.CONF).forEach(setting -> set(conf, setting));
    config.find(CommonKeys.MASTER).ifPresent(conf::setMaster);
    conf.setMaster(retrying(conf.get("spark.master", "local[*]")));
    conf.setIfMissing("spark.app.name", name);
    conf.set("spark.serializer", "org.apache.spark.serializer.KryoSerializer");
    conf.set("spark.kryo.registrationRequired", "true");
    conf.set("spark.kryo.classesToRegister", KryoClasses.commaSeparated());
    conf.set("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension");
    conf.set("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog");
    conf.setIfMissing("spark.sql.session.timeZone", "UTC");
    conf.setIfMissing("spark.sql.shuffle.partitions", "4");
    conf.setIfMissing("spark.databricks.delta.snapshotPartitions", "2");
    // Tables of a few thousand rows: compiling code for each query costs more than running it.
    conf.setIfMissing("spark.sql.codegen.wholeStage", "false");
    conf.setIfMissing("spark.sql.codegen.factoryMode", "NO_CODEGEN");
    conf.setIfMissing("spark.sql.debug.maxToStringFields", "100");
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    conf.setIfMissing("spark.scheduler.mode", "FAIR");
    conf.setIfMissing("spark.executor.heartbeatInterval", "2s");
    if (conf.get("spark.master").startsWith("local")) {
      conf.setIfMissing("spark.driver.host", "127.0.0.1");
      conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
    }
    shipOwnJar(conf);
    return SparkSession.builder().config(conf).getOrCreate();
  }

  /** Plain {@code local[N]} gives up at the first failure of a task; clusters retry, so do we. */
  static String retrying(String master) {
    Matcher local = LOCAL.matcher(master);
    if (!local.matches()) {
      return master;
    }
    String threads = local.group(1) == null ? "1" : local.group(1);
    return "local[" + threads + "," + TASK_ATTEMPTS + "]";
  }

  private static void set(SparkConf conf, String setting) {
    int equals = setting.indexOf('=');
    conf.set(setting.substring(0, equals), setting.substring(equals + 1));
  }

  /**
   * Executors of a cluster need this program when plain {@code java} and not spark-submit ran it.
   */
  private static void shipOwnJar(SparkConf conf) {
    String[] jar = JavaSparkContext.jarOfClass(SparkSessions.class);
    boolean cluster = !conf.get("spark.master").matches("local(\\[.*)?");
    if (cluster && jar != null && jar.length > 0 && !conf.contains("spark.jars")) {
      conf.setJars(jar);
    }
  }

  /** Spark's settings as a task on an executor sees them. */
  public static Map<String, String> taskSettings() {
    Map<String, String> settings = new LinkedHashMap<>();
    for (Tuple2<String, String> setting : SparkEnv.get().conf().getAll()) {
      settings.put(setting._1(), setting._2());
    }
    return settings;
  }
}
