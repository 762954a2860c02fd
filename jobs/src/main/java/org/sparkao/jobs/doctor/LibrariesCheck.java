package org.sparkao.jobs.doctor;

import java.util.ArrayList;
import java.util.List;

/**
 * The libraries of this JVM. Spark and Scala are promised compatible within a line (4.2, 2.13),
 * Hadoop's client from a line on; Delta comes with this program and must be the very version.
 *
 * @param found what is there
 * @param built what the build was made with
 */
record LibrariesCheck(Libraries found, Libraries built) implements Check {
  @Override
  public String subject() {
    return "spark";
  }

  @Override
  public List<Finding> look() {
    String use = "use Spark " + Libraries.line(built.spark()) + " with Scala 2.13";
    List<Finding> findings = new ArrayList<>();
    findings.add(line("spark", found.spark(), built.spark(), use));
    findings.add(line("scala", found.scala(), built.scala(), use));
    findings.add(
        found.delta().equals(built.delta())
            ? Finding.ok("delta", found.delta())
            : Finding.fail(
                "delta",
                found.delta()
                    + " comes first on the class path, this program needs "
                    + built.delta(),
                "take the delta-kernel jars out of SPARK_HOME/jars and out of --jars: this"
                    + " program's jar brings Delta"));
    findings.add(
        older(found.hadoop(), built.hadoop())
            ? Finding.warn(
                "hadoop",
                found.hadoop() + ", built and tested with " + built.hadoop(),
                "use the Spark that brings its own Hadoop; before 3.4.2 S3A cannot keep two drivers"
                    + " from writing to one output")
            : Finding.ok("hadoop", found.hadoop()));
    return findings;
  }

  private static Finding line(String subject, String found, String built, String fix) {
    return Libraries.line(found).equals(Libraries.line(built))
        ? Finding.ok(subject, found)
        : Finding.fail(subject, found + ", built for " + Libraries.line(built), fix);
  }

  private static boolean older(String found, String built) {
    String[] left = Libraries.line(found).split("\\.");
    String[] right = Libraries.line(built).split("\\.");
    int major = Integer.compare(Integer.parseInt(left[0]), Integer.parseInt(right[0]));
    return major < 0 || major == 0 && Integer.parseInt(left[1]) < Integer.parseInt(right[1]);
  }
}
