package org.sparkao.datasets.task;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** What a task does to a document that a template cannot say; each adds fields. */
final class DocumentSteps {
  private static final Map<String, UnaryOperator<Document>> STEPS =
      new TreeMap<>(
          Map.of(
              "hellaswag", DocumentSteps::hellaswag,
              "last-word", DocumentSteps::lastWord,
              "mmlu", DocumentSteps::mmlu,
              "winogrande", DocumentSteps::winogrande,
              "wikitext-detokenizer", WikitextDetokenizer::addDetokenized));

  private static final Pattern BRACKETS = Pattern.compile("\\[.*?\\]", Pattern.UNIX_LINES);

  private DocumentSteps() {}

  static UnaryOperator<Document> named(String name, String origin) {
    UnaryOperator<Document> step = STEPS.get(name);
    if (step == null) {
      throw TaskErrors.definition(
          origin, "step " + name + " is unknown; known are " + String.join(", ", STEPS.keySet()));
    }
    return step;
  }

  /** Adds query, choices and gold: the harness's tasks/hellaswag/utils.py. */
  private static Document hellaswag(Document document) {
    String context =
        document.text("activity_label")
            + ": "
            + document.text("ctx_a")
            + " "
            + PythonText.capitalize(document.text("ctx_b"));
    ArrayNode choices = JsonNodeFactory.instance.arrayNode();
    for (String ending : Template.parse("{{endings}}", "hellaswag").renderList(document)) {
      choices.add(withoutArtifacts(ending));
    }
    return document
        .with("query", withoutArtifacts(context))
        .with("choices", choices)
        .with("gold", document.text("label"));
  }

  private static String withoutArtifacts(String text) {
    String sentences = PythonText.strip(text).replace(" [title]", ". ");
    return BRACKETS.matcher(sentences).replaceAll("").replace("  ", " ");
  }

  /** Adds beginning and word: all of text before its last space, and what follows it. */
  private static Document lastWord(Document document) {
    String text = document.text("text");
    int space = text.lastIndexOf(' ');
    return document
        .with("beginning", text.substring(0, Math.max(space, 0)))
        .with("word", text.substring(space + 1));
  }

  /** Adds stem and topic: the template's {@code question.strip()}, and the subject in words. */
  private static Document mmlu(Document document) {
    return document
        .with("stem", PythonText.strip(document.text("question")))
        .with("topic", document.text("subject").replace('_', ' '));
  }

  /** Adds before and after: the sentence around its blank, preprocess_winogrande.py. */
  private static Document winogrande(Document document) {
    String sentence = document.text("sentence");
    int blank = sentence.indexOf('_');
    if (blank < 0) {
      throw document.error("field sentence has no blank (_): " + sentence);
    }
    return document
        .with("before", sentence.substring(0, blank))
        .with("after", PythonText.strip(sentence.substring(blank + 1)));
  }
}
