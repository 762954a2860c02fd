package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Examples and groups; whole prompts: {@link TestHarnessPrompts}. */
class TestFewshot {
  /** Made by {@code random.Random(1234)} of CPython 3.11: five calls in this order. */
  @Test
  void drawsAsPython() {
    PythonRandom random = new PythonRandom(1234);
    assertThat(random.sample(numbers(10), 3)).containsExactly(7, 1, 0);
    assertThat(random.sample(numbers(1319), 5)).containsExactly(185, 1192, 71, 171, 201);
    assertThat(random.sample(numbers(100), 7)).containsExactly(98, 45, 30, 2, 3, 44, 82);
    assertThat(random.sample(numbers(1), 1)).containsExactly(0);
    assertThat(random.sample(numbers(70_000), 6))
        .containsExactly(60758, 19471, 11965, 23998, 14996, 1916);
  }

  private static List<Integer> numbers(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  @Test
  void tooFewExamplesNameTheGroup() throws Exception {
    DataFolder data = DataFolder.of(TestHarnessPrompts.data());
    assertThatThrownBy(
            () -> EvalTasks.named("mmlu").items(data, ItemOptions.ofTask().withFewshot(6)))
        .isInstanceOf(TaskException.class)
        .hasMessage(
            "task mmlu, group abstract_algebra: needs 6 examples to draw 6 from, and there are 5;"
                + " ask for fewer (--num-fewshot)");
    assertThatThrownBy(() -> ItemOptions.ofTask().withFewshot(-1))
        .hasMessage("number of examples -1: must be 0 or more; leave it out for the task's own");
  }

  @Test
  void subjectsOfMmluAreGroupsInCategories() throws Exception {
    EvaluationTask task = EvalTasks.named("mmlu");
    assertThat(task.categories())
        .containsOnlyKeys("humanities", "other", "social_sciences", "stem");
    assertThat(task.categories().values().stream().mapToInt(List::size).sum()).isEqualTo(57);
    assertThat(task.items(TestHarnessPrompts.data()))
        .extracting(EvaluationItem::group)
        .contains("anatomy")
        .allMatch(group -> task.categories().values().stream().anyMatch(x -> x.contains(group)));
  }

  @Test
  void sampleTravelsWithTheProgram() {
    List<EvaluationItem> items = EvalTasks.named("sample").items(Path.of("nowhere"));
    assertThat(items).hasSizeGreaterThan(99);
    assertThat(items.get(1).requests().get(1).continuation()).isEqualTo(" pony.");
    assertThat(((Answer.Choice) items.get(1).answer()).gold()).isEqualTo(1);
  }

  /** Shards are read in the order of their names; a row is named as a line is. */
  @Test
  void parquetIsReadByWhoeverCan(@TempDir Path folder) throws IOException {
    Files.createDirectories(folder.resolve("gsm8k/main"));
    for (String name : List.of("test-1", "test-0", "train-0")) {
      Files.createFile(folder.resolve("gsm8k/main/" + name + ".parquet"));
    }
    ParquetRows rows =
        file -> List.of("{\"question\":\"" + file.getFileName() + "\",\"answer\":\"a\"}");
    DataFolder data = DataFolder.of(folder).withParquet(rows);
    ItemOptions plain = ItemOptions.ofTask().withFewshot(0);
    assertThat(EvalTasks.named("gsm8k").items(data, plain))
        .extracting(item -> item.requests().get(0).context())
        .containsExactly("Question: test-0.parquet\nAnswer:", "Question: test-1.parquet\nAnswer:");
    DataFolder broken = data.withParquet(file -> List.of("{\"question\":1.5}"));
    assertThatThrownBy(() -> EvalTasks.named("gsm8k").items(broken, plain))
        .hasMessageStartingWith(folder.resolve("gsm8k/main/test-0.parquet") + ", line 1: ");
  }
}
