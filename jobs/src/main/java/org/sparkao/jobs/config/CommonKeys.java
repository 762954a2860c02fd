package org.sparkao.jobs.config;

import java.util.List;

/** What every job understands. */
public final class CommonKeys {
  /** Root of the Delta tables. */
  public static final ConfigKey<String> TABLES =
      ConfigKey.text("tables", "URI", "Root of the Delta tables.").withDefault("./sparkao-tables");

  /** Name of the run. */
  public static final ConfigKey<String> RUN_ID =
      ConfigKey.value(
          "run-id",
          "ID",
          "Name of the run in the tables; made from job and time when not given.",
          CommonKeys::runId);

  /** Spark's master. */
  public static final ConfigKey<String> MASTER =
      ConfigKey.text(
          "master", "URL", "Spark's master; local[*] unless given here or by spark-submit.");

  /** Settings for Spark. */
  public static final ConfigKey<String> CONF =
      ConfigKey.list(
          "conf", "KEY=VALUE", "A setting for Spark; may be repeated.", CommonKeys::assignment);

  /** A file of settings for Spark. */
  public static final ConfigKey<String> PROPERTIES_FILE =
      ConfigKey.text(
          "properties-file",
          "FILE",
          "Settings for Spark, a name and a value a line, weaker than --conf; ready ones are in"
              + " conf/cluster.");

  private CommonKeys() {}

  /** All of them, in the order of the help text. */
  public static List<ConfigKey<?>> all() {
    return List.of(TABLES, RUN_ID, MASTER, CONF, PROPERTIES_FILE);
  }

  private static String runId(String text) {
    if (!text.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
      throw new IllegalArgumentException(
          "use up to 100 letters, digits, dots, dashes and underscores");
    }
    return text;
  }

  private static String assignment(String text) {
    if (text.indexOf('=') < 1) {
      throw new IllegalArgumentException("write it as key=value");
    }
    return text;
  }
}
