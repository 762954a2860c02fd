package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.parser.CronParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.sweep.plan.SweepDefinition;
import org.sparkao.jobs.sweep.plan.SweepFile;

/** The examples in {@code conf/sweeps} and {@code conf/schedule}; check.sh there reads more. */
class TestScheduleFiles {
  private static final Path CONF = Path.of(System.getProperty("sparkao.root"), "conf");
  private static final CronParser CRON =
      new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));

  /** The command line in a text, from its job on, has to be one of this program. */
  private static void assertSweeps(String text) {
    Matcher command = Pattern.compile("sparkao (sweep (?:conf|/etc)[^\\s\">;]*)").matcher(text);
    assertThat(command.find()).as(text).isTrue();
    assertThatCode(() -> parse(List.of(command.group(1).split(" ")))).doesNotThrowAnyException();
    assertThat(CONF.getParent().resolve(command.group(1).split(" ")[1])).exists();
  }

  private static void parse(List<String> arguments) {
    Commands.commandLine(Jobs.all()).parseArgs(arguments.toArray(String[]::new));
  }

  @Test
  void crontabHasOneLineThatSweeps() throws IOException {
    List<String> lines =
        Files.readAllLines(CONF.resolve("schedule/sparkao.crontab")).stream()
            .filter(line -> !line.startsWith("#") && !line.matches("[A-Z]+=.*"))
            .toList();
    assertThat(lines).hasSize(1);
    String[] fields = lines.get(0).split(" ", 6);
    String schedule = String.join(" ", List.of(fields).subList(0, 5));
    assertThatCode(() -> CRON.parse(schedule).validate()).doesNotThrowAnyException();
    assertThat(fields[5]).doesNotContain("%");
    assertSweeps(fields[5]);
  }

  @Test
  void airflowSkipsWhatIsNoFailure() throws IOException {
    String dag = Files.readString(CONF.resolve("schedule/sparkao_sweep.py"));
    assertSweeps(dag);
    assertThat(dag).contains("skip_on_exit_code=[75, 99]");
  }

  @Test
  void kubernetesRunsACommandOfThisProgram() throws IOException {
    JsonNode spec =
        new YAMLMapper()
            .readTree(Files.readString(CONF.resolve("schedule/sparkao-sweep.yaml")))
            .path("spec");
    String schedule = spec.path("schedule").asText();
    assertThatCode(() -> CRON.parse(schedule).validate()).doesNotThrowAnyException();
    List<String> arguments = new ArrayList<>();
    spec.path("template").path("arguments").forEach(node -> arguments.add(node.asText()));
    assertThatCode(() -> parse(arguments)).doesNotThrowAnyException();
    assertThat(spec.path("template").path("mainClass").asText()).isEqualTo(Main.class.getName());
    String mounted = spec.at("/template/driver/configMaps/0/path").asText();
    assertThat(arguments.get(1)).startsWith(mounted + "/");
    assertThat(CONF.resolve("sweeps").resolve(Path.of(arguments.get(1)).getFileName())).exists();
  }

  @Test
  void everyFileOfASweepIsOne() throws IOException {
    try (Stream<Path> files = Files.list(CONF.resolve("sweeps"))) {
      List<Path> sweeps = files.filter(file -> file.toString().endsWith(".yaml")).toList();
      assertThat(sweeps).hasSizeGreaterThanOrEqualTo(2);
      for (Path file : sweeps) {
        SweepDefinition sweep = SweepFile.read(file, Map.of("MODEL", "/model", "DATA", "/data"));
        assertThat(file.getFileName()).hasToString(sweep.name() + ".yaml");
      }
    }
  }
}
