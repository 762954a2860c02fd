package org.sparkao.jobs.spark;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.Secrets;
import org.sparkao.jobs.storage.hub.HubSettings;
import scala.Tuple2;

/** Starts Spark for a run. */
public final class SparkSessions {
  private static final Pattern LOCAL = Pattern.compile("local(?:\\[([^,\\]]+)\\])?");

  /** What spark-submit calls an application that was given no name: its main class. */
  private static final String CLASSES = "org.sparkao.";

  private static final int TASK_ATTEMPTS = 4;

  /** As {@code jvm.processor-options} of pom.xml, where the reason is; the user's come after it. */
  private static final String EXECUTOR_OPTIONS = "-XX:+IgnoreUnrecognizedVMOptions -XX:+ZeroTLAB";

  private SparkSessions() {}

  /**
   * Starts Spark. Settings: the user's {@code --conf}, then spark-submit's, then this program's.
   *
   * @param name what Spark's pages call the application
   * @param settings of the job, over the user's
   */
  static SparkContext open(Config config, String name, Map<String, String> settings) {
    SparkConf conf = new SparkConf();
    config.all(CommonKeys.CONF).forEach(setting -> set(conf, setting));
    settings.forEach(conf::set);
    config.find(CommonKeys.MASTER).ifPresent(conf::setMaster);
    conf.setMaster(retrying(conf.get("spark.master", "local[*]")));
    if (conf.get("spark.app.name", CLASSES).startsWith(CLASSES)) {
      conf.setAppName(name);
    }
    HubSettings.VARIABLES.forEach(
        (key, variable) ->
            Optional.ofNullable(System.getenv(variable))
                .ifPresent(value -> conf.setIfMissing("spark.hadoop." + key, value)));
    conf.set("spark.serializer", "org.apache.spark.serializer.KryoSerializer");
    conf.set("spark.kryo.registrationRequired", "true");
    conf.set("spark.kryo.classesToRegister", KryoClasses.commaSeparated());
    conf.setIfMissing("spark.redaction.regex", Secrets.KEYS);
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    conf.setIfMissing("spark.scheduler.mode", "FAIR");
    if (conf.get("spark.master").startsWith("local[")) {
      // Progress comes with heartbeats. The interval is also the time that an answer may take, so a
      // cluster keeps Spark's, and a pause of some minutes ends nothing here.
      conf.setIfMissing("spark.executor.heartbeatInterval", "2s");
      conf.setIfMissing("spark.executor.heartbeat.maxFailures", "300");
    }
    if (conf.get("spark.master").startsWith("local")) {
      conf.setIfMissing("spark.driver.host", "127.0.0.1");
      conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
    }
    String executorOptions = conf.get("spark.executor.extraJavaOptions", "");
    conf.set("spark.executor.extraJavaOptions", (EXECUTOR_OPTIONS + " " + executorOptions).strip());
    shipOwnJar(conf);
    return new SparkContext(conf);
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
    boolean cluster = !conf.get("spark.master").matches("local(\\[.*)?");
    // Spark's own jarOfClass does not find a jar whose path has blanks.
    String place =
        SparkSessions.class.getProtectionDomain().getCodeSource().getLocation().toString();
    if (cluster && place.endsWith(".jar") && !conf.contains("spark.jars")) {
      conf.setJars(new String[] {place});
    }
  }

  /** A folder of this machine for what a task puts aside; goes away with Spark. */
  public static Path taskScratch() {
    return SparkEnv.get().blockManager().diskBlockManager().localDirs()[0].toPath();
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
