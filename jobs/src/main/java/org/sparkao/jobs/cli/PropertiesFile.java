package org.sparkao.jobs.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.sparkao.quant.QuantException;

/**
 * The file of {@code --properties-file}: what spark-submit does with it, where plain Java started
 * the driver. Its settings become system properties, behind those that are there, which is where
 * Spark and all jobs look for what stands behind {@code --conf}.
 */
final class PropertiesFile {
  private static final String PREFIX = "spark.";

  /** Set by spark-submit, which has read the file; in cluster mode it is on another machine. */
  private static final String SUBMITTED = "spark.submit.deployMode";

  private PropertiesFile() {}

  /**
   * Takes the settings of a file over.
   *
   * @throws QuantException when it cannot be read, or holds something else
   */
  static void apply(String file) {
    if (System.getProperty(SUBMITTED) != null) {
      return;
    }
    Properties settings = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of(file))) {
      settings.load(reader);
    } catch (IOException | IllegalArgumentException e) {
      throw new QuantException(
          "--properties-file " + file + ": cannot be read (" + e + "); name a file of settings", e);
    }
    for (String name : settings.stringPropertyNames()) {
      if (!name.startsWith(PREFIX)) {
        throw new QuantException(
            "--properties-file "
                + file
                + ": "
                + name
                + " is no setting of Spark; write lines such as spark.executor.memory 8g, and"
                + " options of jobs into the YAML of --config");
      }
    }
    for (String name : settings.stringPropertyNames()) {
      if (System.getProperty(name) == null) {
        System.setProperty(name, settings.getProperty(name).strip());
      }
    }
  }
}
