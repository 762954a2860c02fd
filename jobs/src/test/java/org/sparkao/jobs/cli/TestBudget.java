package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.calibration.CalibrationInfo.Input;
import org.sparkao.quant.calibration.CalibrationInfo.Origin;
import org.sparkao.quant.calibration.CalibrationWriter;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.FileSink;

/** {@code quantize --budget}: schemes by stored errors. */
class TestBudget {
  private static final String SMALL = "W4A16(group_size=64)";
  private static final String LARGE = "W8A16(group_size=64)";
  private static final List<String> UNITS =
      List.of(
          "mlp.down_proj",
          "mlp.gate_proj,mlp.up_proj",
          "self_attn.k_proj,self_attn.q_proj,self_attn.v_proj",
          "self_attn.o_proj");

  private final Command command = new Command();
  @TempDir private Path temp;

  @Test
  void chooses() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));

    assertThat(budget(source, "6", "--dry-run")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            "the errors of these layers are not stored in " + temp.resolve("tables"),
            "sparkao quantize --checkpoint " + source + " --output DIR --scheme '" + SMALL + "'",
            "--scheme '" + LARGE + "'",
            "model.layers.0.mlp.down_proj");
    quantizeWithEach(source);
    assertThat(budget(source, "4", "--dry-run")).isEqualTo(ExitCode.REFUSED);
    // Scales of bf16 for 64 weights; a shape of two int64 for each of seven layers in two blocks.
    double least = 4 + 16 / 64. + 14 * 128 / (2. * (3 * 128 * 256 + 4 * 128 * 128));
    double needed = Math.ceil(1e4 * least) / 1e4;
    assertThat(command.err()).contains("take %.4f bits a weight".formatted(needed));

    Path rules = temp.resolve("rules.yaml");
    assertThat(budget(source, "6", "--dry-run", "--budget-rules", rules.toString()))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    String planned = command.out();
    assertIsTheLeast(planned, 6, module -> 1);
    assertThat(planned).contains("the least there is", "rules of the budget: " + rules);

    assertThat(
            command.run(
                "quantize",
                "--checkpoint",
                source.toString(),
                "--output",
                temp.resolve("mixed").toString(),
                "--config",
                rules.toString(),
                "--tables",
                temp.resolve("tables").toString(),
                "--dry-run"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(layers(command.out())).isEqualTo(layers(planned));
    assertThat(budget(source, "6", "--dry-run", "--budget-rules", rules.toString()))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Files.writeString(rules, "# edited\n", StandardOpenOption.APPEND);
    assertThat(budget(source, "6", "--dry-run", "--budget-rules", rules.toString()))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("is there already with other rules, and may have been");
    Path calibration = calibration(temp.resolve("calibration"));
    assertThat(budget(source, "5", "--dry-run", "--calibration", calibration.toString()))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    assertThat(command.out())
        .contains("weighted by the inputs of layers")
        .containsPattern("layers\\.1\\.mlp\\.down_proj .*W8A16");
    assertIsTheLeast(command.out(), 5, TestBudget::power);
    assertThat(budget(source, "6", "--dry-run", "--skip", "o_proj")).isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("copied: skipped by o_proj");
  }

  /** One calibration weights the errors of rtn, and is what gptq quantizes by. */
  @Test
  void choosesForAlgorithmsThatLookAtInputs() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
    quantizeWithEach(source);
    Path folder = new CalibrationFixture(source, 2, 128, 256).write(temp.resolve("inputs"), true);
    String[] gptq = {"--algorithm", "gptq", "--calibration", folder.toString()};

    assertThat(budget(source, "6", gptq)).as(command.err()).isEqualTo(ExitCode.DONE);

    assertThat(command.out())
        .contains("; errors are those of rtn; weighted by the inputs of layers", "gptq (order ");
    assertThat(
            TableReader.rows(temp.resolve("tables"), TensorRow.TABLE).stream()
                .filter(row -> row.text("algorithm").equals("gptq"))
                .map(row -> row.text("scheme")))
        .hasSize(14)
        .contains(SMALL, LARGE);
    Path fewer = new CalibrationFixture(source, 1, 128, 256).write(temp.resolve("fewer"), false);
    assertThat(budget(source, "6", "--dry-run", "--calibration", fewer.toString()))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(fewer + ": 1 modules were not calibrated: model.layers.1.mlp.down_proj");
  }

  /** Rows of 172 have no groups of 64: the command for that scheme leaves these layers out. */
  @Test
  void namesCommandsThatWork() throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 172));
    String[] rows = {"--dry-run", "--budget-schemes", "W4A16(group_size=-1)"};
    assertThat(budget(source, "6", rows)).isEqualTo(ExitCode.REFUSED);
    Matcher named =
        Pattern.compile("--scheme '(\\S+)' --numerics \\S+ --algorithm rtn --tables \\S+(.*?) +#")
            .matcher(command.err());
    List<List<String>> commands = new ArrayList<>();
    while (named.find()) {
      List<String> options = new ArrayList<>(List.of("--scheme", named.group(1)));
      Arrays.stream(named.group(2).split("[ ']+"))
          .filter(word -> !word.isEmpty())
          .forEach(options::add);
      commands.add(options);
    }
    assertThat(commands).hasSize(3);
    for (List<String> options : commands) {
      Path output = temp.resolve("output" + commands.indexOf(options));
      assertThat(command.quantize(source, output, options.toArray(String[]::new)))
          .as(options + command.err())
          .isEqualTo(ExitCode.DONE);
    }
    assertThat(budget(source, "6", rows)).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("does not suit all");
  }

  /** Leaves the errors of both schemes in the tables. */
  private void quantizeWithEach(Path source) {
    for (String scheme : List.of(SMALL, LARGE)) {
      Path output = temp.resolve(scheme.substring(0, 5));
      assertThat(command.quantize(source, output, "--scheme", scheme))
          .as(command.err())
          .isEqualTo(ExitCode.DONE);
    }
  }

  private ExitCode budget(Path source, String bits, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("--budget", bits, "--budget-schemes", SMALL, "--budget-schemes", LARGE));
    args.addAll(List.of(more));
    return command.quantize(source, temp.resolve("mixed"), args.toArray(String[]::new));
  }

  /** Against all combinations of two schemes for eight groups of layers, by the rows' figures. */
  private void assertIsTheLeast(String text, double bitsPerWeight, ToDoubleFunction<String> power)
      throws IOException {
    Map<String, TableRow> rows = new TreeMap<>();
    long weights = 0;
    for (TableRow row : TableReader.rows(temp.resolve("tables"), TensorRow.TABLE)) {
      if (row.has("noise")) {
        rows.put(row.text("module") + "=" + row.text("scheme"), row);
        weights += row.number("elements") / 2;
      }
    }
    double best = Double.POSITIVE_INFINITY;
    for (int combination = 0; combination < 256; combination++) {
      double error = 0;
      long bits = 0;
      for (int unit = 0; unit < 8; unit++) {
        String scheme = (combination >> unit & 1) == 0 ? SMALL : LARGE;
        for (String end : UNITS.get(unit % 4).split(",")) {
          String module = "model.layers." + unit / 4 + "." + end;
          TableRow row = rows.get(module + "=" + scheme);
          error += row.decimal("noise") * power.applyAsDouble(module);
          bits += 8 * row.number("output_bytes");
        }
      }
      if (bits <= bitsPerWeight * weights) {
        best = Math.min(best, error);
      }
    }
    Matcher predicted = Pattern.compile("predicted error (\\S+),").matcher(text);
    assertThat(predicted.find()).isTrue();
    assertThat(Double.parseDouble(predicted.group(1))).isCloseTo(best, within(1e-5 * best));
  }

  /** Mean squares of inputs: those of one layer are large. */
  private static double power(String module) {
    return module.equals("model.layers.1.mlp.down_proj") ? 100 : module.contains("mlp") ? 4 : 1;
  }

  private static Path calibration(Path folder) throws IOException {
    Files.createDirectories(folder);
    List<Block> blocks = new ArrayList<>();
    for (int layer = 0; layer < 2; layer++) {
      String block = "model.layers." + layer;
      List<Input> inputs = new ArrayList<>();
      Map<String, InputSums> sums = new TreeMap<>();
      Map<String, float[]> columns = new TreeMap<>();
      for (String unit : UNITS) {
        List<String> modules =
            Arrays.stream(unit.split(",")).map(end -> block + "." + end).toList();
        String first = modules.get(0);
        int count = unit.contains("down") ? 256 : 128;
        float[] x = new float[count];
        Arrays.fill(x, (float) Math.sqrt(power(first)));
        InputObserver observer = new InputObserver(count, InputObserver.Products.NONE);
        observer.add(x, 1, InputObserver.Source.ROUTED, Workers.CALLER);
        sums.put(first, observer.sums());
        modules.forEach(module -> columns.put(module, new float[count]));
        inputs.add(new Input(first, count, modules));
      }
      String file = CalibrationWriter.file(block);
      try (FileSink sink = FileSink.create(folder.resolve(file))) {
        String sha256 =
            CalibrationWriter.block(sink, block, new BlockSums(sums, Optional.empty()), columns);
        blocks.add(new Block(block, file, sha256, inputs));
      }
    }
    Origin none = new Origin("", "");
    CalibrationInfo info = new CalibrationInfo(none, none, 1, 1, 1, "plain", Map.of(), blocks);
    Files.write(folder.resolve(CalibrationWriter.INFO), CalibrationWriter.info(info));
    return folder;
  }

  /** Modules and schemes of a plan, whatever rule led there. */
  private static List<String> layers(String plan) {
    return plan.lines()
        .filter(line -> line.contains("_proj "))
        .map(line -> line.replaceAll("\\(rule.*", "").strip())
        .toList();
  }
}
