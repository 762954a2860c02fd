package org.sparkao.jobs.sweep.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;

/** What files of sweeps say, and which cells follow. */
class TestSweepFile {
  private static final String TWO_BY_TWO =
      """
      sweep: s
      models: [a/one, {name: two, checkpoint: "${WHERE}/two"}]
      schemes: [none, W8A16, {name: four, scheme: "W4A16(group_size=64)", rule: ["x=W8A16"]}]
      algorithms: [rtn, {name: gptq-mse, algorithm: gptq, scale-search: mse}]
      tasks: [piqa, {name: few, task: hellaswag, metric: acc_norm, num-fewshot: 5}]
      """;

  @TempDir private Path folder;

  private SweepDefinition read(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("s.yaml"), text);
    return SweepFile.read(file, Map.of("WHERE", "s3a://bucket"));
  }

  private List<String> cells(String text) throws IOException {
    return new Expansion(read(text))
        .combinations().stream()
            .map(Expansion.Combination::place)
            .map(p -> String.join(" ", p.model(), p.scheme(), p.algorithm(), p.task()))
            .toList();
  }

  /** 2 models x (none + 2 schemes x 2 algorithms) x 2 tasks. */
  @Test
  void everyCombinationIsACellAndTheModelAsItIsNeedsNoAlgorithm() throws IOException {
    assertThat(cells(TWO_BY_TWO))
        .hasSize(2 * 5 * 2)
        .doesNotHaveDuplicates()
        .startsWith("one none none piqa", "one none none few", "one W8A16 rtn piqa")
        .contains("two four gptq-mse few")
        .noneMatch(cell -> cell.contains("none rtn"));
  }

  @Test
  void filtersTakeOutAndBringBackButNoBaseline() throws IOException {
    assertThat(
            cells(
                TWO_BY_TWO
                    + """
                    exclude:
                      - {model: two}
                      - {algorithm: gptq*, task: few}
                      - {scheme: none}
                    include:
                      - {model: two, scheme: four, algorithm: gptq-mse, task: [few]}
                    """))
        .containsExactly(
            "one none none piqa",
            "one none none few",
            "one W8A16 rtn piqa",
            "one W8A16 rtn few",
            "one W8A16 gptq-mse piqa",
            "one four rtn piqa",
            "one four rtn few",
            "one four gptq-mse piqa",
            "two none none few",
            "two four gptq-mse few");
    assertThat(cells(TWO_BY_TWO + "exclude: [{scheme: none}, {task: few}]\nbaselines: []\n"))
        .hasSize(2 * 4)
        .noneMatch(cell -> cell.contains("none"));
  }

  @Test
  void optionsOfRulesWinOverThoseOfValuesOverThoseOfTheFile() throws IOException {
    SweepDefinition definition =
        read(
            TWO_BY_TWO
                + """
                quantize: {scale-search: imatrix, damping: 0.1}
                evaluate: {limit: 10, num-fewshot: 1}
                rules:
                  - when: {scheme: four}
                    quantize: {damping: 0.2}
                  - when: {scheme: four, task: few}
                    quantize: {damping: 0.3}
                    evaluate: {num-fewshot: 7}
                """);
    Map<String, JobOptions> options = new java.util.HashMap<>();
    new Expansion(definition)
        .combinations()
        .forEach(
            cell ->
                options.put(
                    cell.place().model()
                        + " "
                        + cell.place().scheme()
                        + " "
                        + cell.place().algorithm()
                        + " "
                        + cell.place().task(),
                    cell.options()));
    assertThat(options.get("one W8A16 rtn few"))
        .isEqualTo(
            new JobOptions(
                Map.of("scale-search", List.of("imatrix"), "damping", List.of("0.1")),
                Map.of(),
                Map.of("limit", List.of("10"), "num-fewshot", List.of("5"))));
    assertThat(options.get("two four gptq-mse few"))
        .isEqualTo(
            new JobOptions(
                Map.of(
                    "scale-search",
                    List.of("mse"),
                    "damping",
                    List.of("0.3"),
                    "rule",
                    List.of("x=W8A16")),
                Map.of(),
                Map.of("limit", List.of("10"), "num-fewshot", List.of("7"))));
    assertThat(options.get("two four gptq-mse piqa").quantize())
        .containsEntry("damping", List.of("0.2"));
  }

  @Test
  void variablesStandInValuesAndTheTextStaysAsItIs() throws IOException {
    SweepDefinition definition = read(TWO_BY_TWO + "output: ${ELSEWHERE:-here}\n");
    assertThat(definition.values(Axis.MODEL))
        .extracting(AxisValue::value)
        .containsExactly("a/one", "s3a://bucket/two");
    assertThat(definition.output()).contains("here");
    assertThat(definition.text()).contains("${WHERE}");
    assertThat(definition.values(Axis.TASK)).extracting(AxisValue::metric).contains("acc_norm");
  }

  @Test
  void slipsAreRefusedWithAWayOut() {
    refuses("sweep: Big Sweep", "sweep: Big Sweep: use up to 40 small letters, digits and dashes");
    refuses("sweep: s\nmodel: x", "the file: model: unknown key; there are algorithms, baselines,");
    refuses(
        TWO_BY_TWO + "exclude: [{scheme: W4}]", "exclude.scheme: W4: matches none of the schemes");
    refuses(TWO_BY_TWO + "exclude: [{model: '*'}]\nbaselines: []", "");
    refuses(
        TWO_BY_TWO + "quantize: {scheme: W4A16}",
        "quantize: scheme: the sweep says this itself; leave it out");
    refuses(TWO_BY_TWO + "significance: 5", "significance: 5: use a probability between 0 and 1");
    refuses(TWO_BY_TWO.replace("WHERE", "NOWHERE"), "a variable of it is not in the environment");
    refuses(TWO_BY_TWO.replace("[piqa", "[few"), "tasks: few: there are two of that name");
  }

  private void refuses(String text, String message) {
    assertThatThrownBy(() -> cells(text))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining(message);
  }
}
