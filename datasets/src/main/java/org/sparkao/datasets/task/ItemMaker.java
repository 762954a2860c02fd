package org.sparkao.datasets.task;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Makes items of documents: the templates of one definition. */
final class ItemMaker {
  private static final Pattern INDEX = Pattern.compile("\\d{1,9}");

  private final TaskDefinition definition;
  private final Template description;
  private final Template text;
  private final List<Template> choices;
  private final Template continuation;
  private final List<Template> labels;
  private final Template target;
  private final Template counted;
  private final Template group;

  ItemMaker(TaskDefinition definition, String origin) {
    this.definition = definition;
    this.description = template(definition.description(), origin);
    this.text = template(definition.text(), origin);
    this.choices =
        templates(
            definition.contexts().isEmpty() ? definition.choices() : definition.contexts(), origin);
    this.continuation = template(definition.continuation(), origin);
    this.labels = templates(definition.labels(), origin);
    this.target = template(definition.target(), origin);
    this.counted = template(definition.counted(), origin);
    this.group = template(definition.group(), origin);
  }

  private static Template template(String source, String origin) {
    return source == null ? null : Template.parse(source, origin);
  }

  private static List<Template> templates(List<String> sources, String origin) {
    return sources.stream().map(source -> Template.parse(source, origin)).toList();
  }

  /** The part of the task that a document belongs to; empty if there are none. */
  String group(PreparedDocument document) {
    return group == null ? "" : group.render(document.prepared());
  }

  /** An item with some examples before its question. */
  EvaluationItem item(
      int index, PreparedDocument item, List<PreparedDocument> examples, ItemOptions options) {
    Document document = item.prepared();
    try {
      List<Turn> before = new ArrayList<>();
      if (definition.kind() != TaskKind.PERPLEXITY) {
        addSystem(document, options, before);
        examples.forEach(example -> addExample(example.prepared(), before));
      }
      Answer answer = answer(document);
      return new EvaluationItem(
          index,
          CanonicalJson.sha256(item.source().fields()),
          requests(document, before, answer, options),
          answer,
          group(item));
    } catch (IllegalArgumentException e) {
      throw document.error(e.getMessage());
    }
  }

  private void addSystem(Document document, ItemOptions options, List<Turn> turns) {
    String own = description == null ? "" : description.render(document);
    String system =
        PythonText.joined(options.systemPrompt().orElse(""), own, definition.fewshot().delimiter());
    if (!system.isEmpty()) {
      turns.add(Turn.system(system));
    }
  }

  private void addExample(Document document, List<Turn> turns) {
    String question;
    String right;
    if (definition.kind() == TaskKind.MULTIPLE_CHOICE) {
      List<String> texts = texts(choices, document);
      String gold = texts.get(gold(document, texts));
      question = continuation == null ? text.render(document) : gold;
      right = continuation == null ? gold : continuation.render(document);
    } else {
      question = text.render(document);
      right = target.render(document);
    }
    turns.add(Turn.user(question, right.isEmpty() ? "" : definition.targetDelimiter()));
    if (!right.isEmpty()) {
      turns.add(Turn.assistant(right, definition.fewshot().delimiter()));
    }
  }

  private Answer answer(Document document) {
    return switch (definition.kind()) {
      case MULTIPLE_CHOICE -> {
        List<String> texts = texts(choices, document);
        yield new Answer.Choice(texts, gold(document, texts));
      }
      case LAST_WORD -> new Answer.LastWord();
      case PERPLEXITY -> Answer.Text.of(counted.render(document));
      case GENERATION -> new Answer.Generated(target.render(document));
    };
  }

  private List<Request> requests(
      Document document, List<Turn> before, Answer answer, ItemOptions options) {
    if (answer instanceof Answer.Choice choice) {
      // A conversation's turn ends where the answer begins.
      String delimiter = options.chat().isPresent() ? "" : definition.targetDelimiter();
      if (continuation != null) {
        String scored = delimiter + continuation.render(document);
        return choice.choices().stream()
            .map(context -> new Request(prompt(before, context, options), scored))
            .toList();
      }
      String context = prompt(before, text.render(document), options);
      return choice.choices().stream().map(x -> new Request(context, delimiter + x)).toList();
    }
    if (answer instanceof Answer.Text) {
      return List.of(new Request("", target.render(document)));
    }
    String context = prompt(before, text.render(document), options);
    if (answer instanceof Answer.LastWord) {
      return List.of(new Request(context, target.render(document)));
    }
    TaskDefinition.Stop stop = definition.generation();
    return List.of(Request.generating(context, new Generation(stop.until(), stop.maxTokens())));
  }

  private static String prompt(List<Turn> before, String question, ItemOptions options) {
    List<Turn> turns = new ArrayList<>(before);
    turns.add(Turn.user(question, ""));
    return Turn.prompt(turns, options);
  }

  private static List<String> texts(List<Template> templates, Document document) {
    return templates.size() == 1
        ? templates.get(0).renderList(document)
        : templates.stream().map(template -> template.render(document)).toList();
  }

  private int gold(Document document, List<String> texts) {
    String right = target.render(document);
    if (labels.isEmpty() && INDEX.matcher(right).matches()) {
      return Integer.parseInt(right);
    }
    List<String> names = labels.isEmpty() ? texts : texts(labels, document);
    int gold = names.indexOf(right);
    if (gold < 0) {
      throw document.error("target \"" + right + "\" is none of " + names);
    }
    return gold;
  }
}
