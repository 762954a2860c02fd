package org.sparkao.jobs.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.deploy.k8s.Config$;
import org.apache.spark.deploy.yarn.config.package$;
import org.apache.spark.internal.config.ConfigEntry;
import org.apache.spark.internal.config.Deploy$;
import org.apache.spark.internal.config.Kryo$;
import org.apache.spark.internal.config.Network$;
import org.apache.spark.internal.config.UI$;
import org.apache.spark.internal.config.Worker$;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every setting in {@code conf/cluster}, those behind a # too, is one that Spark registers, with a
 * value that it takes, or one of a family of names that have a part of the user's own.
 */
class TestClusterFiles {
  private static final Path CONF = Path.of(System.getProperty("sparkao.root"), "conf");

  /**
   * Read by Spark without registration, or, as by Delta, under names that are put together; and
   * this program's own.
   */
  private static final Set<String> FAMILIES =
      Set.of(
          "spark\\.(master|local\\.dir)",
          "spark\\.(executor|task)\\.resource\\.gpu\\.amount",
          "spark\\.executor\\.resource\\.gpu\\.(vendor|discoveryScript)",
          "spark\\.executorEnv\\.CUDA_DEVICE_ORDER",
          "spark\\.kubernetes\\.driver\\.annotation\\.prometheus\\.io/(scrape|path|port)",
          "spark\\.hadoop\\.io\\.delta\\.kernel\\.logStore\\.s3a\\.impl",
          "spark\\.sparkao\\.gpu\\.(permits|memoryFraction|waitSeconds)");

  private static final List<Object> REGISTRIES =
      List.of(
          org.apache.spark.internal.config.package$.MODULE$,
          Deploy$.MODULE$,
          Kryo$.MODULE$,
          Network$.MODULE$,
          UI$.MODULE$,
          Worker$.MODULE$,
          Config$.MODULE$,
          package$.MODULE$);

  /** Registries fill when they are loaded. */
  @BeforeAll
  static void load() {
    assertThat(REGISTRIES).doesNotContainNull();
  }

  /** All settings, commented out or not. */
  private static Map<String, String> settings(String text) throws IOException {
    String lines =
        text.lines()
            .map(line -> line.replaceFirst("^# (?=spark\\.)", ""))
            .collect(Collectors.joining("\n"));
    Properties properties = new Properties();
    properties.load(new StringReader(lines));
    Map<String, String> settings = new TreeMap<>();
    properties.stringPropertyNames().forEach(key -> settings.put(key, properties.getProperty(key)));
    return settings;
  }

  private static boolean isKnown(String name) {
    return ConfigEntry.findEntry(name) != null
        || FAMILIES.stream().anyMatch(name::matches)
        || name.startsWith("spark.hadoop.")
            && new Configuration().get(name.substring("spark.hadoop.".length())) != null;
  }

  @ParameterizedTest
  @ValueSource(strings = {"local", "standalone", "yarn", "kubernetes"})
  void everySettingIsKnown(String file) throws IOException {
    Map<String, String> settings =
        settings(Files.readString(CONF.resolve("cluster/" + file + ".conf")));
    assertThat(settings).hasSizeGreaterThan(5);
    assertThat(settings.keySet()).allMatch(TestClusterFiles::isKnown);
    settings.forEach(
        (name, value) -> {
          ConfigEntry<?> entry = ConfigEntry.findEntry(name);
          if (entry != null) {
            assertThatCode(() -> entry.valueConverter().apply(value))
                .as(name + " " + value)
                .doesNotThrowAnyException();
          }
        });
  }

  @Test
  void thereAreNoOtherFiles() throws IOException {
    try (Stream<Path> files = Files.list(CONF.resolve("cluster"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "README.md", "local.conf", "standalone.conf", "yarn.conf", "kubernetes.conf");
    }
  }

  @Test
  void anUnknownSettingIsFound() throws IOException {
    Map<String, String> settings = settings("# spark.executor.memry 1g\nspark.hadoop.fs.no 1");
    assertThat(settings).hasSize(2);
    assertThat(settings.keySet()).noneMatch(TestClusterFiles::isKnown);
  }
}
