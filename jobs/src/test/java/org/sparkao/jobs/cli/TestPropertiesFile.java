package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;

/** Settings of Spark from a file, which this JVM's system properties show. */
class TestPropertiesFile {
  private static final List<String> NAMES =
      List.of("spark.test.first", "spark.test.second", "spark.submit.deployMode");

  @TempDir private Path folder;

  @AfterEach
  void forget() {
    NAMES.forEach(System::clearProperty);
  }

  private String file(String text) throws IOException {
    return Files.writeString(folder.resolve("cluster.conf"), text).toString();
  }

  @Test
  void standBehindWhatIsThere() throws IOException {
    System.setProperty("spark.test.first", "stronger");
    PropertiesFile.apply(
        file("# a comment\nspark.test.first weaker\nspark.test.second   two words  \n"));
    assertThat(System.getProperty("spark.test.first")).isEqualTo("stronger");
    assertThat(System.getProperty("spark.test.second")).isEqualTo("two words");
  }

  @Test
  void otherNamesAreRefused() throws IOException {
    String file = file("spark.test.first 1\nscheme W4A16\n");
    assertThatThrownBy(() -> PropertiesFile.apply(file))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith("--properties-file " + file + ": scheme is no setting of Spark;");
    assertThat(System.getProperty("spark.test.first")).isNull();
  }

  @Test
  void anAbsentFileIsRefusedUnlessSparkSubmitReadIt() {
    String absent = folder.resolve("absent").toString();
    assertThat(new Command().run("runs", "--properties-file", absent).code()).isEqualTo(2);
    System.setProperty("spark.submit.deployMode", "cluster");
    PropertiesFile.apply(absent);
  }
}
