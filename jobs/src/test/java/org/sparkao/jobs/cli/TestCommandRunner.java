package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.quant.QuantException;

class TestCommandRunner {
  private static final ConfigKey<String> WHAT = ConfigKey.argument("what", "WHAT", "What to do.");
  private static final ConfigKey<String> RULE = ConfigKey.list("rule", "R", "A rule.", t -> t);
  private static final ConfigKey<Boolean> DRY = ConfigKey.flag("dry-run", "Stops early.");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final EchoJob job = new EchoJob();

  @Test
  void optionsArgumentsFilesAndSetsMeet(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("c.yaml"), "tables: from-file\nrule: [x]\n");
    ExitCode code =
        run(
            "echo",
            "it",
            "--rule",
            "a=b",
            "--rule",
            "c",
            "--dry-run",
            "--config",
            "" + file,
            "--set",
            "run-id=r1");
    assertThat(code).isEqualTo(ExitCode.DONE);
    assertThat(job.seen.value(WHAT)).isEqualTo("it");
    assertThat(job.seen.all(RULE)).containsExactly("a=b", "c");
    assertThat(job.seen.value(DRY)).isTrue();
    assertThat(job.seen.value(CommonKeys.TABLES)).isEqualTo("from-file");
    assertThat(job.seen.value(CommonKeys.RUN_ID)).isEqualTo("r1");
  }

  @Test
  void flagIsOffUnlessGiven() {
    run("echo", "it");
    assertThat(job.seen.value(DRY)).isFalse();
  }

  @Test
  void unknownOptionIsRefused() {
    assertThat(run("echo", "--nope")).isEqualTo(ExitCode.REFUSED);
    assertThat(text(err)).contains("Unknown option: '--nope'").contains("See sparkao echo --help");
  }

  @Test
  void unknownJobIsRefused() {
    assertThat(run("nope")).isEqualTo(ExitCode.REFUSED);
    assertThat(text(err)).contains("nope");
  }

  @Test
  void noJobShowsTheList() {
    assertThat(run()).isEqualTo(ExitCode.REFUSED);
    assertThat(text(err)).contains("echo").contains("Says it again.");
  }

  @Test
  void helpTellsEveryKey() {
    assertThat(run("echo", "--help")).isEqualTo(ExitCode.DONE);
    assertThat(text(out))
        .contains("--rule=R", "A rule.", "--tables=URI", "Default: ./sparkao-tables", "--set");
  }

  @Test
  void refusalIsTwoAndFailureIsOne() {
    job.failure = new QuantException("m.safetensors: no such tensor");
    assertThat(run("echo", "it")).isEqualTo(ExitCode.REFUSED);
    assertThat(text(err)).contains("sparkao echo: refused: m.safetensors: no such tensor");
    job.failure = new IOException("disk", new IOException("on fire"));
    assertThat(run("echo", "it")).isEqualTo(ExitCode.FAILED);
    assertThat(text(err)).contains("sparkao echo: failed: disk: on fire");
  }

  @Test
  void setWithoutValueIsRefused() {
    assertThat(run("echo", "--set", "rule")).isEqualTo(ExitCode.REFUSED);
    assertThat(text(err)).contains("--set rule: write it as key=value");
  }

  private ExitCode run(String... args) {
    Console console =
        new Console(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            Console.Terminal.PLAIN);
    return new CommandRunner(List.of(job), console).run(args);
  }

  private static String text(ByteArrayOutputStream stream) {
    return stream.toString(StandardCharsets.UTF_8);
  }

  private static final class EchoJob implements Job {
    private Config seen;
    private Exception failure;

    @Override
    public String name() {
      return "echo";
    }

    @Override
    public String summary() {
      return "Says it again.";
    }

    @Override
    public List<ConfigKey<?>> keys() {
      return List.of(WHAT, RULE, DRY);
    }

    @Override
    public ExitCode run(Config config, Console console) throws Exception {
      if (failure != null) {
        throw failure;
      }
      seen = config;
      return ExitCode.DONE;
    }
  }
}
