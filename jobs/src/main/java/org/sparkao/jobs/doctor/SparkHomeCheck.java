package org.sparkao.jobs.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The Spark installation that masters which are not local are reached with.
 *
 * @param home SPARK_HOME, if it is set
 * @param built what the build was made with
 */
record SparkHomeCheck(Optional<String> home, Libraries built) implements Check {
  private static final Pattern SPARK = Pattern.compile("spark-core_(\\d\\.\\d+)-(.+)\\.jar");
  private static final Pattern DELTA = Pattern.compile("delta-kernel-api-(.+)\\.jar");

  /** Of this program's own folder, which the launcher names for workers of local-cluster. */
  private static final String OWN = "jvm.options";

  @Override
  public String subject() {
    return "spark-home";
  }

  @Override
  public List<Finding> look() throws IOException {
    if (home.isEmpty()) {
      return List.of(
          Finding.ok(subject(), "not set: all masters are reached with the Spark of this program"));
    }
    Path folder = Path.of(home.orElseThrow());
    List<String> jars = names(folder.resolve("jars"));
    Optional<Matcher> spark = first(SPARK, jars);
    if (spark.isEmpty()) {
      return List.of(
          Finding.fail(
              subject(),
              folder + " holds no jars/spark-core_*.jar",
              "set SPARK_HOME to the folder of a Spark "
                  + Libraries.line(built.spark())
                  + " (pip install pyspark=="
                  + built.spark()
                  + " brings one), or unset it"));
    }
    List<Finding> findings = new ArrayList<>();
    findings.add(installation(folder, spark.orElseThrow()));
    first(DELTA, jars)
        .map(delta -> delta.group(1))
        .filter(version -> !version.equals(built.delta()))
        .ifPresent(
            version ->
                findings.add(
                    Finding.fail(
                        subject(),
                        folder + "/jars holds Delta " + version + ", this program brings another",
                        "take delta-kernel-api-" + version + ".jar and its like out of there")));
    return findings;
  }

  private Finding installation(Path folder, Matcher spark) {
    String seen = folder + ": Spark " + spark.group(2) + ", Scala " + spark.group(1);
    boolean fits =
        Libraries.line(spark.group(2)).equals(Libraries.line(built.spark()))
            && spark.group(1).equals(Libraries.line(built.scala()));
    if (!fits) {
      return Finding.fail(
          subject(),
          seen,
          "use Spark "
              + Libraries.line(built.spark())
              + " with Scala "
              + Libraries.line(built.scala())
              + ", or unset SPARK_HOME");
    }
    boolean own = Files.exists(folder.resolve(OWN));
    if (!own && !Files.isExecutable(folder.resolve("bin/spark-submit"))) {
      return Finding.fail(
          subject(),
          seen + ", without a program bin/spark-submit",
          "install Spark whole, or unset SPARK_HOME");
    }
    return Finding.ok(subject(), seen);
  }

  private static List<String> names(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static Optional<Matcher> first(Pattern pattern, List<String> names) {
    return names.stream().map(pattern::matcher).filter(Matcher::matches).findFirst();
  }
}
