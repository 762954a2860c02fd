package org.sparkao.jobs.gpu;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.quant.QuantException;

/** Spark's settings as they will be, before Spark is started; and the names of those about GPUs. */
public final class SparkSettings {
  static final String MASTER = "spark.master";
  static final String PLUGINS = "spark.plugins";
  static final String EXECUTOR_AMOUNT = "spark.executor.resource.gpu.amount";
  static final String TASK_AMOUNT = "spark.task.resource.gpu.amount";
  static final String WORKER_AMOUNT = "spark.worker.resource.gpu.amount";

  /** Share of a GPU's memory that an executor may take, above 0 and up to 1. */
  static final String MEMORY_FRACTION = "spark.sparkao.gpu.memoryFraction";

  /** Tasks that work on a GPU at a time. */
  static final String PERMITS = "spark.sparkao.gpu.permits";

  /** How long to wait for the first executor with a GPU, in seconds. */
  static final String WAIT_SECONDS = "spark.sparkao.gpu.waitSeconds";

  /** The driver numbers GPUs as nvidia-smi, and so the discovery script, does. */
  static final String DEVICE_ORDER = "spark.executorEnv.CUDA_DEVICE_ORDER";

  private SparkSettings() {}

  /** What spark-submit left in the system properties, and over it what the command line says. */
  public static Map<String, String> of(Config config) {
    Map<String, String> settings = new LinkedHashMap<>();
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("spark.")) {
        settings.put(name, System.getProperty(name));
      }
    }
    List<String> assignments = config.all(CommonKeys.CONF);
    for (String assignment : assignments) {
      int equals = assignment.indexOf('=');
      settings.put(assignment.substring(0, equals), assignment.substring(equals + 1));
    }
    config.find(CommonKeys.MASTER).ifPresent(master -> settings.put(MASTER, master));
    return settings;
  }

  /** Spark's master; the whole machine when none is named. */
  static String master(Map<String, String> settings) {
    return settings.getOrDefault(MASTER, "local[*]");
  }

  /** Whether tasks run in the driver's JVM. */
  static boolean isLocal(String master) {
    return master.equals("local") || master.startsWith("local[");
  }

  /**
   * A positive number.
   *
   * @throws QuantException naming the setting
   */
  static Optional<Double> amount(Map<String, String> settings, String name) {
    String text = settings.get(name);
    if (text == null) {
      return Optional.empty();
    }
    try {
      double amount = Double.parseDouble(text);
      if (amount >= 0 && amount < Double.POSITIVE_INFINITY) {
        // Spark takes 0 for not given.
        return amount == 0 ? Optional.empty() : Optional.of(amount);
      }
    } catch (NumberFormatException e) {
      // Falls through to the message for all that is no amount.
    }
    throw new QuantException(name + "=" + text + ": not a positive number");
  }

  /** What Spark must be told so that executors open their GPUs. */
  static Map<String, String> withGpu(Map<String, String> settings) {
    String own = GpuPlugin.class.getName();
    String plugins = settings.getOrDefault(PLUGINS, "");
    Map<String, String> more = new LinkedHashMap<>();
    if (!List.of(plugins.split("\\s*,\\s*")).contains(own)) {
      more.put(PLUGINS, plugins.isBlank() ? own : plugins + "," + own);
    }
    if (!settings.containsKey(DEVICE_ORDER)) {
      more.put(DEVICE_ORDER, "PCI_BUS_ID");
    }
    return more;
  }
}
