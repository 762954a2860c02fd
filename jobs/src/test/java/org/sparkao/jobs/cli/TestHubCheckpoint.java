package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.hub.FakeHub;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.quant.QuantException;

/** The job on a checkpoint at the hub, with secrets wherever users put them. */
class TestHubCheckpoint {
  private static final String PINNED = "hf://org/model@" + FakeHub.COMMIT;
  private static final String KEY = "AKIAPLANTEDACCESSKEY";
  private static final String SECRET = "planted+secret/of+a+store";
  private static final String PASSWORD = "planted-password-of-a-proxy";

  @TempDir private Path temp;
  private final Command command = new Command();

  @Test
  void hubIsAsGoodAsADiskAndSecretsStayOutOfEverything() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
    Path expected = temp.resolve("expected/output");
    assertThat(command.quantize(source, expected, "--scheme", "W4A16", "--max-shard-size", "100KB"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Path output = temp.resolve("hub/output");
    String told;
    try (FakeHub hub = FakeHub.of(source)) {
      hub.gate();
      List<String> args = new ArrayList<>(List.of("quantize", "--checkpoint", "hf://org/model"));
      args.addAll(List.of("--output", output.toString(), "--scheme", "W4A16"));
      args.addAll(List.of("--max-shard-size", "100KB", "--master", "local[2]"));
      args.addAll(List.of("--tables", temp.resolve("hub/tables").toString()));
      args.addAll(List.of("--conf", "spark.ui.enabled=false", "--run-id", "the-run"));
      args.addAll(hub.options());
      args.addAll(List.of("--conf", "spark.hadoop.fs.s3a.access.key=" + KEY));
      args.addAll(List.of("--conf", "spark.hadoop.fs.s3a.secret.key=" + SECRET));
      args.addAll(List.of("--conf=spark.hadoop.fs.x.proxy=http://user:" + PASSWORD + "@host:80/"));
      assertThat(command.run(args.toArray(String[]::new)))
          .as(command.err())
          .isEqualTo(ExitCode.DONE);
      told = command.out() + command.err();
    }

    Map<String, byte[]> there = Command.contents(output);
    assertThat(there.keySet()).isEqualTo(Command.contents(expected).keySet());
    there
        .keySet()
        .retainAll(there.keySet().stream().filter(name -> name.endsWith(".safetensors")).toList());
    assertThat(there)
        .hasSizeGreaterThan(2)
        .allSatisfy((name, bytes) -> assertThat(expected.resolve(name)).hasBinaryContent(bytes));
    assertThat(output.resolve("sparkao.json")).content().contains("\"source\": \"" + PINNED + "\"");
    assertThat(TableReader.rows(temp.resolve("hub/tables"), RunRow.TABLE))
        .extracting(run -> run.text("source"))
        .containsExactly(PINNED);
    Path page = temp.resolve("hub/page.html");
    String[] describe = {
      "describe",
      "the-run",
      "--tables",
      temp.resolve("hub/tables").toString(),
      "--html",
      page.toString()
    };
    assertThat(command.run(describe)).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(page).content().contains("*(redacted)");
    requireNoSecrets("the console", told + command.out() + command.err());
    for (Map.Entry<String, byte[]> file : Command.contents(temp.resolve("hub")).entrySet()) {
      requireNoSecrets(file.getKey(), new String(file.getValue(), StandardCharsets.ISO_8859_1));
    }
  }

  private static void requireNoSecrets(String what, String text) {
    assertThat(text).as(what).doesNotContain(FakeHub.TOKEN, KEY, SECRET, PASSWORD);
  }

  @Test
  void sparkDoesNotReadFromTheHub() {
    Storage.requireReadableBySpark("s3a://bucket/data.parquet");
    assertThatThrownBy(() -> Storage.requireReadableBySpark("hf://org/model@main/data.parquet"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("copy the file to a disk or a store");
  }

  @Test
  void hubAndPasswordsAreRefusedAsOutputs() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    String[] toHub = {
      "quantize",
      "--checkpoint",
      source.toString(),
      "--output",
      "hf://org/model",
      "--scheme",
      "W8A8"
    };
    assertThat(command.run(toHub)).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            "--output hf://org/model: repositories at the hub are only read; write to a disk");

    String[] withPassword = {
      "quantize",
      "--checkpoint",
      "s3a://" + KEY + ":" + SECRET + "@bucket/model",
      "--output",
      temp.resolve("out").toString(),
      "--scheme",
      "W8A8"
    };
    assertThat(command.run(withPassword)).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains("--checkpoint: s3a://" + KEY + ":*(redacted)@bucket/model holds a password")
        .doesNotContain(SECRET);

    String[] withoutConf = {"runs", "spark.hadoop.fs.s3a.secret.key=" + SECRET};
    assertThat(command.run(withoutConf)).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("secret.key=").doesNotContain(SECRET);
    assertThat(Files.exists(temp.resolve("out"))).isFalse();
  }
}
