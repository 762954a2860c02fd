package org.sparkao.jobs.table;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The notebooks, without running them: {@code notebooks/run.sh} does. */
class TestNotebooks {
  private static final Path FOLDER = Path.of(System.getProperty("sparkao.root"), "notebooks");

  /** A call of {@code tables.py} with the names written out. */
  private static final Pattern READ =
      Pattern.compile("\\b(?:read|find)\\(\\s*\"(\\w+)\",\\s*\\[([^\\]]*)\\],?\\s*\\)");

  private static final Pattern CALL = Pattern.compile("\\b(?:read|find)\\(\\s*\"");

  private static final Map<String, Table> TABLES =
      Tables.all().stream().collect(Collectors.toMap(Table::name, Function.identity()));

  static List<Path> notebooks() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(file -> file.toString().endsWith(".ipynb")).sorted().toList();
    }
  }

  private static List<JsonNode> cells(Path notebook, String kind) throws IOException {
    JsonNode root = new ObjectMapper().readTree(notebook.toFile());
    assertThat(root.path("nbformat").asInt()).isEqualTo(4);
    return StreamSupport.stream(root.path("cells").spliterator(), false)
        .filter(cell -> cell.path("cell_type").asText().equals(kind))
        .toList();
  }

  private static String source(JsonNode cell) {
    return StreamSupport.stream(cell.path("source").spliterator(), false)
        .map(JsonNode::asText)
        .collect(Collectors.joining());
  }

  @Test
  void allAreInTheReadme() throws IOException {
    String readme = Files.readString(FOLDER.resolve("README.md"));
    assertThat(notebooks()).hasSizeGreaterThanOrEqualTo(4);
    for (Path notebook : notebooks()) {
      assertThat(readme).contains("](" + notebook.getFileName() + ")");
    }
  }

  @ParameterizedTest
  @MethodSource("notebooks")
  void holdsNoOutput(Path notebook) throws IOException {
    assertThat(cells(notebook, "code"))
        .isNotEmpty()
        .allSatisfy(
            cell -> {
              assertThat(cell.path("outputs").isEmpty()).isTrue();
              assertThat(cell.path("execution_count").isNull()).isTrue();
            });
  }

  @ParameterizedTest
  @MethodSource("notebooks")
  void statesAQuestionAboveEachPicture(Path notebook) throws IOException {
    JsonNode root = new ObjectMapper().readTree(notebook.toFile());
    String above = "";
    for (JsonNode cell : root.path("cells")) {
      if (source(cell).contains("plt.show()")) {
        assertThat(above).startsWith("## ").contains("?\n");
      }
      above = source(cell);
    }
  }

  @ParameterizedTest
  @MethodSource("notebooks")
  void readsColumnsThatThereAre(Path notebook) throws IOException {
    String code =
        cells(notebook, "code").stream()
            .map(TestNotebooks::source)
            .collect(Collectors.joining("\n"));
    Matcher reads = READ.matcher(code);
    int found = 0;
    while (reads.find()) {
      found++;
      assertThat(TABLES).containsKey(reads.group(1));
      List<String> columns =
          Pattern.compile("\"(\\w+)\"")
              .matcher(reads.group(2))
              .results()
              .map(name -> name.group(1))
              .toList();
      assertThat(columns)
          .isNotEmpty()
          .isSubsetOf(TABLES.get(reads.group(1)).columns().stream().map(Column::name).toList());
    }
    assertThat(found).isPositive().isEqualTo((int) CALL.matcher(code).results().count());
  }
}
