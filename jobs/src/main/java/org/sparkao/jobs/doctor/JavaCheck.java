package org.sparkao.jobs.doctor;

import java.util.List;
import org.sparkao.jobs.job.Texts;

/**
 * The Java that runs this, which has to be able to load the incubating vector API.
 *
 * @param version such as {@code 17.0.15}
 * @param home its folder
 * @param vectors whether the module of the vector API is loaded
 * @param heapBytes the most that its heap may have
 */
record JavaCheck(String version, String home, boolean vectors, long heapBytes) implements Check {
  /** Less than the heap that tests of slots were made with, Spark's own share included. */
  private static final long SMALL_HEAP = 1000L << 20;

  static JavaCheck ofThis() {
    return new JavaCheck(
        System.getProperty("java.version"),
        System.getProperty("java.home"),
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        Runtime.getRuntime().maxMemory());
  }

  @Override
  public String subject() {
    return "java";
  }

  @Override
  public List<Finding> look() {
    String seen = version + " in " + home + ", heap of " + Texts.bytes(heapBytes);
    if (!vectors) {
      return List.of(
          Finding.fail(
              subject(),
              seen + ", started without the module jdk.incubator.vector",
              "start jobs with bin/sparkao or Spark's spark-submit, or add"
                  + " --add-modules=jdk.incubator.vector to the options of this JVM"));
    }
    if (heapBytes < SMALL_HEAP) {
      return List.of(
          Finding.warn(
              subject(),
              seen,
              "give it more: SPARKAO_MEMORY=2g, with spark-submit --driver-memory 2g"));
    }
    return List.of(Finding.ok(subject(), seen));
  }
}
