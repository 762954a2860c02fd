package org.sparkao.jobs.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TestSecrets {
  @Test
  void valuesOfSecretSettingsAreHidden() {
    List<String> settings =
        List.of(
            "spark.hadoop.fs.s3a.secret.key=X=1",
            "spark.hadoop.fs.s3a.access.key=X",
            "spark.hadoop.fs.s3a.session.token=X",
            "spark.ssl.keyPassword=X",
            "spark.hadoop.google.credential.file=X",
            "spark.cores.max=4",
            "spark.executor.extraClassPath=" + "/lib/kerby-util.jar:".repeat(10_000));
    Config config =
        Config.resolve(
            CommonKeys.all(), List.of(new ConfigLayer("test", Map.of("conf", settings))));
    assertThat(config.effective().get("conf"))
        .containsExactly(
            "spark.hadoop.fs.s3a.secret.key=*(redacted)",
            "spark.hadoop.fs.s3a.access.key=*(redacted)",
            "spark.hadoop.fs.s3a.session.token=*(redacted)",
            "spark.ssl.keyPassword=*(redacted)",
            "spark.hadoop.google.credential.file=*(redacted)",
            "spark.cores.max=4",
            settings.get(6));
    assertThat(config.all(CommonKeys.CONF)).as("what Spark gets").isEqualTo(settings);
  }

  @Test
  void argumentsAreHiddenHoweverTheyAreGiven() {
    assertThat(
            Config.resolve(CommonKeys.all(), List.of())
                .from(
                    List.of(
                        "quantize",
                        "--conf",
                        "spark.x.secret=X",
                        "--conf=spark.x.password=X",
                        "--set",
                        "conf=spark.x.token=X",
                        "--set=conf=spark.x.token=X",
                        "--rule",
                        "token_mixer=W4A16"))
                .arguments())
        .containsExactly(
            "quantize",
            "--conf",
            "spark.x.secret=*(redacted)",
            "--conf=spark.x.password=*(redacted)",
            "--set",
            "conf=spark.x.token=*(redacted)",
            "--set=conf=spark.x.token=*(redacted)",
            "--rule",
            "token_mixer=W4A16");
  }
}
