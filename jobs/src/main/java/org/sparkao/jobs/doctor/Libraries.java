package org.sparkao.jobs.doctor;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.apache.hadoop.util.VersionInfo;
import scala.util.Properties$;

/**
 * Versions of what this program stands on.
 *
 * @param spark such as {@code 4.2.0}
 * @param scala such as {@code 2.13.18}
 * @param delta of Delta's kernel
 * @param hadoop of its client
 */
record Libraries(String spark, String scala, String delta, String hadoop) {

  /** Those that the build was made and tested with, from pom.xml. */
  static Libraries ofBuild() {
    Properties versions = new Properties();
    try (InputStream in = Libraries.class.getResourceAsStream("versions.properties")) {
      versions.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Libraries(
        versions.getProperty("spark"),
        versions.getProperty("scala"),
        versions.getProperty("delta"),
        versions.getProperty("hadoop"));
  }

  /** Those that this JVM found on its class path. */
  static Libraries ofClassPath() throws ReflectiveOperationException {
    // javac would copy the constant of the version that it compiles with.
    String delta = (String) io.delta.kernel.Meta.class.getField("KERNEL_VERSION").get(null);
    return new Libraries(
        org.apache.spark.package$.MODULE$.SPARK_VERSION(),
        Properties$.MODULE$.versionNumberString(),
        delta,
        VersionInfo.getVersion());
  }

  /** The first two numbers of a version: {@code 4.2} of {@code 4.2.0}. */
  static String line(String version) {
    String[] numbers = version.split("[.-]");
    return numbers.length < 2 ? version : numbers[0] + "." + numbers[1];
  }
}
