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
            "spark.hadoop.fs.azure.account.key.me.dfs.core.windows.net=X",
            "spark.hadoop.fs.gs.auth.service.account.private.key=X",
            "spark.hadoop.fs.defaultFS=s3a://me:X/y@bucket",
            "spark.hadoop.fs.other=hdfs://namenode:8020/a@b",
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
            "spark.hadoop.fs.azure.account.key.me.dfs.core.windows.net=*(redacted)",
            "spark.hadoop.fs.gs.auth.service.account.private.key=*(redacted)",
            "spark.hadoop.fs.defaultFS=s3a://me:*(redacted)@bucket",
            "spark.hadoop.fs.other=hdfs://namenode:8020/a@b",
            "spark.cores.max=4",
            settings.get(settings.size() - 1));
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

  @Test
  void messagesQuoteSettingsWithoutTheirSecrets() {
    assertThat(
            Secrets.hideInMessage(
                "spark.hadoop.fs.s3a.secret.key=X is odd; so are s3a://me:X@b/c and"
                    + " token_mixer=W4"))
        .isEqualTo(
            "spark.hadoop.fs.s3a.secret.key=*(redacted) is odd;"
                + " so are s3a://me:*(redacted)@b/c and token_mixer=W4");
  }
}
