package org.sparkao.jobs.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.apache.spark.SparkEnv;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigLayer;
import scala.reflect.ClassTag$;

class TestSparkSessions {
  private static final String NAME = "spark.app.name";

  private record Unregistered(int value) {}

  /** spark-submit without --name calls the application by its main class. */
  @Test
  void mainClassIsNoNameAndKryoReadsRegisteredClassesOnly() {
    Map<String, List<String>> settings =
        Map.of("master", List.of("local[1]"), "conf", List.of("spark.ui.enabled=false"));
    Config config = Config.resolve(CommonKeys.all(), List.of(new ConfigLayer("test", settings)));
    System.setProperty(NAME, "org.sparkao.jobs.cli.Main");
    try (SparkLease lease = SparkLease.open(config, "sparkao quantize weekly")) {
      assertThat(lease.context().appName()).isEqualTo("sparkao quantize weekly");
      var kryo = SparkEnv.get().serializer().newInstance();
      assertThatThrownBy(
              () -> kryo.serialize(new Unregistered(1), ClassTag$.MODULE$.apply(Object.class)))
          .hasMessageContaining("Class is not registered: " + Unregistered.class.getName());
    } finally {
      System.clearProperty(NAME);
    }
  }
}
