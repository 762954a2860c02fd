package org.sparkao.jobs.storage;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparkao.jobs.config.Secrets;
import org.sparkao.jobs.storage.hub.HubAddress;
import org.sparkao.jobs.storage.hub.HubSettings;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.llamacpp.GgufFiles;

/** Opens folders by URI. */
public final class Storage {
  private static final String HADOOP_PREFIX = "spark.hadoop.";

  private final Map<String, String> hadoopSettings;
  private final Path scratch;

  private Storage(Map<String, String> hadoopSettings, Path scratch) {
    this.hadoopSettings = hadoopSettings;
    this.scratch = scratch;
  }

  /**
   * With the {@code spark.hadoop.} settings among {@code key=value} texts, and behind them those
   * that spark-submit left in the system properties.
   */
  public static Storage ofAssignments(List<String> settings) {
    Map<String, String> all = new LinkedHashMap<>();
    for (String name : System.getProperties().stringPropertyNames()) {
      all.put(name, System.getProperty(name));
    }
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      all.put(setting.substring(0, equals), setting.substring(equals + 1));
    }
    return ofSettings(all);
  }

  /** With the {@code spark.hadoop.} settings among all of Spark's. */
  public static Storage ofSettings(Map<String, String> sparkSettings) {
    Map<String, String> settings = new LinkedHashMap<>();
    sparkSettings.forEach(
        (key, value) -> {
          if (key.startsWith(HADOOP_PREFIX)) {
            settings.put(key.substring(HADOOP_PREFIX.length()), value);
          }
        });
    return new Storage(settings, Path.of(System.getProperty("java.io.tmpdir")));
  }

  /** The local folder for such files. */
  Path scratch() {
    return scratch;
  }

  /** The same, with another local folder for files that must be assembled before they are sent. */
  public Storage withScratch(Path folder) {
    return new Storage(hadoopSettings, folder);
  }

  /**
   * The folder at a URI, a {@code file:} URI or a local path; it need not exist. A GGUF file is the
   * folder of the checkpoint that it holds. Of a repository at the hub the revision is looked up,
   * and the folder's location names the commit.
   */
  public Folder folder(String uri) throws IOException {
    Secrets.requireNone("URI", uri);
    if (uri.endsWith(GgufFolder.SUFFIX)) {
      FileLocation file = FileLocation.of(uri);
      Folder parent = plainFolder(file.folder());
      if (parent.size(file.name()).isPresent()) {
        return new GgufFolder(GgufFiles.open(parent, file.name()));
      }
    }
    return plainFolder(uri);
  }

  private Folder plainFolder(String uri) throws IOException {
    Optional<Path> local = localPath(uri);
    if (local.isPresent()) {
      return new LocalFolder(local.orElseThrow());
    }
    if (HubAddress.isHub(uri)) {
      return HubFolder.open(HubAddress.of(uri), HubSettings.of(configuration(), System.getenv()));
    }
    return HadoopFolder.open(uri, configuration(), scratch);
  }

  /** Writes a text in UTF-8 as a file, by URI or local path, replacing what was there. */
  public void writeText(String file, String text) throws IOException {
    FileLocation location = FileLocation.of(file);
    folder(location.folder()).replace(location.name(), text.getBytes(StandardCharsets.UTF_8));
  }

  /** Hadoop's configuration with these settings, for whoever keeps files of its own. */
  public Configuration configuration() {
    Configuration configuration = new Configuration();
    hadoopSettings.forEach(configuration::set);
    return configuration;
  }

  /**
   * Refuses a URI that this program reads and Spark does not.
   *
   * @throws QuantException with the way out
   */
  public static void requireReadableBySpark(String uri) {
    if (HubAddress.isHub(uri)) {
      throw new QuantException(
          uri + ": Spark reads Parquet, and not from the hub; copy the file to a disk or a store");
    }
  }

  /** The absolute local path that a URI means; empty when it is on another file system. */
  public static Optional<Path> localPath(String uri) {
    try {
      if (uri.startsWith("file:")) {
        return Optional.of(Path.of(URI.create(uri).getPath()).toAbsolutePath().normalize());
      }
      return uri.matches("[A-Za-z][A-Za-z0-9+.-]+:/.*")
          ? Optional.empty()
          : Optional.of(Path.of(uri).toAbsolutePath().normalize());
    } catch (IllegalArgumentException e) {
      throw new QuantException(uri + ": not a path or URI: " + e.getMessage(), e);
    }
  }
}
