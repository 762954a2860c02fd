package org.sparkao.datasets.task;

import java.util.List;
import java.util.regex.Pattern;

/** Makes items of documents: the templates of one definition. */
final class ItemMaker {
  private static final Pattern INDEX = Pattern.compile("\\d{1,9}");

  private final TaskKind kind;
  private final String targetDelimiter;
  private final Template text;
  private final List<Template> choices;
  private final Template labels;
  private final Template target;
  private final Template counted;

  ItemMaker(TaskDefinition definition, String origin) {
    this.kind = definition.kind();
    this.targetDelimiter = definition.targetDelimiter();
    this.text = template(definition.text(), origin);
    this.choices =
        definition.choices().stream().map(choice -> Template.parse(choice, origin)).toList();
    this.labels = template(definition.labels(), origin);
    this.target = template(definition.target(), origin);
    this.counted = template(definition.counted(), origin);
  }

  private static Template template(String source, String origin) {
    return source == null ? null : Template.parse(source, origin);
  }

  /**
   * An item.
   *
   * @param source the document as it is in the data, which the item's hash is of
   * @param document the same after the task's steps
   */
  EvaluationItem item(int index, Document source, Document document) {
    try {
      String hash = CanonicalJson.sha256(source.fields());
      return switch (kind) {
        case MULTIPLE_CHOICE -> multipleChoice(index, hash, document);
        case LAST_WORD -> lastWord(index, hash, document);
        case PERPLEXITY -> perplexity(index, hash, document);
      };
    } catch (IllegalArgumentException e) {
      throw document.error(e.getMessage());
    }
  }

  private EvaluationItem multipleChoice(int index, String hash, Document document) {
    String context = text.render(document);
    List<String> texts =
        choices.size() == 1
            ? choices.get(0).renderList(document)
            : choices.stream().map(choice -> choice.render(document)).toList();
    List<Request> requests =
        texts.stream().map(choice -> new Request(context, targetDelimiter + choice)).toList();
    return new EvaluationItem(
        index, hash, requests, new Answer.Choice(texts, gold(document, texts)));
  }

  private int gold(Document document, List<String> texts) {
    String right = target.render(document);
    if (labels == null && INDEX.matcher(right).matches()) {
      return Integer.parseInt(right);
    }
    List<String> names = labels == null ? texts : labels.renderList(document);
    int gold = names.indexOf(right);
    if (gold < 0) {
      throw document.error("target \"" + right + "\" is none of " + names);
    }
    return gold;
  }

  private EvaluationItem lastWord(int index, String hash, Document document) {
    Request request = new Request(text.render(document), targetDelimiter + target.render(document));
    return new EvaluationItem(index, hash, List.of(request), new Answer.LastWord());
  }

  private EvaluationItem perplexity(int index, String hash, Document document) {
    Request request = new Request("", target.render(document));
    return new EvaluationItem(
        index, hash, List.of(request), Answer.Text.of(counted.render(document)));
  }
}
