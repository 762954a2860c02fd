package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Tasks by name and of the user's own, odd data, and what is refused. */
class TestEvalTasks {
  private static final List<String> NAMES = EvalTasks.NAMES;

  private static final String OWN =
      """
      task: own
      version: "3"
      kind: multiple-choice
      sources:
        - {file: own.jsonl, format: jsonl}
      text: "Q: {{q}}"
      choices: "{{c.text}}"
      labels: "{{c.label}}"
      target: "{{key}}"
      targetDelimiter: "\\n"
      metrics: [acc]
      """;

  private static final String LINE =
      "{\"q\":\"$1 {{x}}?\",\"c\":{\"text\":[\"yes\",\"no\"],\"label\":[\"A\",\"1\"]},\"key\":\"1\"}\n";

  @TempDir private Path folder;

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private List<EvaluationItem> own(String definition, String data) throws IOException {
    write("own.jsonl", data);
    return EvalTasks.named(write("own.yaml", definition).toString()).items(folder);
  }

  private AbstractThrowableAssert<?, ? extends Throwable> assertRefused(String yaml, String data) {
    return assertThatThrownBy(() -> own(yaml, data)).isInstanceOf(TaskException.class);
  }

  @ParameterizedTest
  @FieldSource("NAMES")
  void bundledTaskHasItsName(String name) {
    EvaluationTask task = EvalTasks.named(name);
    assertThat(task.name()).isEqualTo(name);
    assertThat(task.metrics()).isNotEmpty().allMatch(metric -> metric.fits(task.kind()));
  }

  @Test
  void ownTaskIsAFile() throws IOException {
    EvaluationItem item = own(OWN, "\n" + LINE).get(0);
    assertThat(item.requests())
        .containsExactly(new Request("Q: $1 {{x}}?", "\nyes"), new Request("Q: $1 {{x}}?", "\nno"));
    assertThat(item.answer()).isEqualTo(new Answer.Choice(List.of("yes", "no"), 1));
  }

  @Test
  void ownPerplexityIsAFile() throws IOException {
    String yaml =
        """
        task: mine
        version: "1"
        kind: perplexity
        sources: [{file: mine.txt, format: text}]
        target: "{{text}}"
        metrics: [byte_perplexity]
        """;
    write("mine.txt", "Zwölf\r\nb c\n");
    EvaluationTask task = EvalTasks.named(write("mine.yaml", yaml).toString());
    assertThat(task.chunkTokens()).isEmpty();
    assertThat(task.items(folder).get(0).requests()).containsExactly(new Request("", "Zwölf\nb c"));
    assertThat(task.items(folder).get(0).answer()).isEqualTo(new Answer.Text(3, 10));
  }

  @Test
  void itemHashDependsOnTheDocumentAlone() throws IOException {
    String hash = own(OWN, LINE).get(0).hash();
    String turned =
        "{\"key\":\"1\", \"c\":{\"label\":[\"A\",\"1\"],\"text\":[\"yes\",\"no\"]}, \"q\":\"$1 {{x}}?\"}";
    assertThat(own(OWN.replace("Q: ", "Why "), "\n\n" + turned).get(0).hash()).isEqualTo(hash);
    assertThat(own(OWN, LINE.replace("yes", "yep")).get(0).hash()).isNotEqualTo(hash);
  }

  @Test
  void unknownTaskListsTheKnown() {
    assertThatThrownBy(() -> EvalTasks.named("helaswag"))
        .isInstanceOf(TaskException.class)
        .hasMessage(
            "unknown task helaswag; known are arc_challenge, arc_easy, gsm8k, hellaswag, lambada,"
                + " mmlu, piqa, sample, wikitext, wikitext2-2048, winogrande, or a YAML file");
  }

  @Test
  void malformedLineNamesFileAndLine() {
    Path file = folder.resolve("own.jsonl");
    assertRefused(OWN, LINE + "\n{\"q\": tru}\n")
        .hasMessageStartingWith(file + ", line 3: is not a JSON object: Unrecognized token 'tru'");
    assertRefused(OWN, LINE + "[1]\n").hasMessage(file + ", line 2: is JSON but no object");
    assertRefused(OWN, LINE + LINE.strip() + "}\n").hasMessageContaining(file + ", line 2: ");
    assertRefused(OWN, "{\"q\":\"a\",\"q\":\"b\"}").hasMessageContaining(file + ", line 1: ");
    assertRefused(OWN, LINE.replace("\"q\"", "\"p\""))
        .hasMessage(file + ", line 1: has no field q");
    assertRefused(OWN, LINE.replace("\"1\"}", "\"B\"}"))
        .hasMessage(file + ", line 1: target \"B\" is none of [A, 1]");
    assertRefused(OWN, LINE.replace("\"no\"", "\"\""))
        .hasMessage(file + ", line 1: one of the choices [yes, ] is empty");
    assertRefused(OWN, LINE.replace("\"no\"", "7"))
        .hasMessage(file + ", line 1: {{c.text}} must be a list of texts and has 7");
    assertRefused(OWN, LINE.replace("\"key\":\"1\"", "\"key\":1.5"))
        .hasMessage(file + ", line 1: field key must be text or a whole number and is 1.5");
    assertRefused(OWN, LINE.replace("yes", "\\ud800"))
        .hasMessage(file + ", line 1: text with half a surrogate pair is no Unicode");
    assertRefused(OWN, "\n").hasMessage("task own: " + file + " holds no items");
  }

  @Test
  void goldOutsideTheChoicesIsRefused() {
    String indexed = OWN.replace("labels: \"{{c.label}}\"\n", "");
    assertRefused(indexed, LINE.replace("\"key\":\"1\"", "\"key\":2"))
        .hasMessage(
            folder.resolve("own.jsonl") + ", line 1: label 2 is not an index of its 2 choices");
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() throws IOException {
    byte[] bytes = (LINE + "{\"q\":\"\u00e9\"}").getBytes(StandardCharsets.ISO_8859_1);
    Files.write(folder.resolve("own.jsonl"), bytes);
    EvaluationTask task = EvalTasks.named(write("own.yaml", OWN).toString());
    assertThatThrownBy(() -> task.items(folder))
        .hasMessage(folder.resolve("own.jsonl") + ", line 2: is not UTF-8");
  }

  @Test
  void gzipIsUnpackedAndDamageNamesTheFile() throws IOException {
    Path file = folder.resolve("own.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(LINE.getBytes(StandardCharsets.UTF_8));
    }
    String yaml = OWN.replace("own.jsonl", "own.jsonl.gz");
    assertThat(own(yaml, LINE)).isEqualTo(own(OWN, LINE));
    Files.writeString(file, LINE);
    assertRefused(yaml, LINE).hasMessageStartingWith(file + ": cannot be read: ");
  }

  @Test
  void damagedTextFormNamesTheLine() throws IOException {
    Path file = write("hellaswag/hellaswag_val_full.txt", "q\n0\na\nb\nc\nd\nq\n4\na\nb\nc\nd\n");
    EvaluationTask task = EvalTasks.named("hellaswag");
    assertThatThrownBy(() -> task.items(folder))
        .hasMessage(file + ", line 8: must be the right ending, 0 to 3, and is 4");
    Files.writeString(file, "q\n0\na\nb\nc\nd\nq\n");
    assertThatThrownBy(() -> task.items(folder))
        .hasMessage(file + ", line 7: the file ends inside an item of six lines");
  }

  @Test
  void labelsMustBeAsManyAsItems() throws IOException {
    Path items = write("piqa/valid.jsonl", "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\"}\n");
    Path labels = write("piqa/valid-labels.lst", "0\n1\n");
    assertThatThrownBy(() -> EvalTasks.named("piqa").items(folder))
        .hasMessage(
            "%s, line 2: is the last one, but %s has 1 items; one line an item", labels, items);
    Files.writeString(labels, "x\n");
    assertThatThrownBy(() -> EvalTasks.named("piqa").items(folder))
        .hasMessage(items + ", line 1: target \"x\" is none of [a, b]");
  }

  @Test
  void absentDataAndParquetAreRefused() throws IOException {
    assertThatThrownBy(() -> EvalTasks.named("lambada").items(folder))
        .hasMessage(
            "task lambada: none of its files is in %s; it reads the first that exists of"
                + " lambada/lambada_test.jsonl, lambada/default/test-*.parquet",
            folder);
    Path file = write("own.parquet", "PAR1");
    assertRefused(OWN.replace("own.jsonl", "own.parquet"), LINE)
        .hasMessage(
            "task own: "
                + file
                + " is Parquet, and no reader of it was given; write it as JSON lines");
  }

  @Test
  void definitionIsChecked() {
    String origin = "task definition " + folder.resolve("own.yaml") + ": ";
    assertRefused(OWN.replace("version: \"3\"\n", ""), LINE)
        .hasMessage(origin + "version is missing");
    assertRefused(OWN.replace("[acc]", "[perplexity]"), LINE)
        .hasMessage(origin + "perplexity does not measure this kind");
    assertRefused(OWN.replace("format: jsonl", "format: csv"), LINE)
        .hasMessage(
            origin
                + "format csv is unknown; known are hellaswag-text, jsonl, text, wikitext-joined,"
                + " wikitext-pages");
    assertRefused(OWN.replace("{{q}}", "{{q|upper}}"), LINE)
        .hasMessageStartingWith(origin + "{{q|upper}} is not the name of a field");
    assertRefused(OWN.replace("{{q}}", "{% if q %}"), LINE)
        .hasMessageContaining("nothing else is understood");
    assertRefused(OWN.replace("targetDelimiter", "delimiter"), LINE)
        .hasMessageContaining("Unrecognized field \"delimiter\"");
  }
}
