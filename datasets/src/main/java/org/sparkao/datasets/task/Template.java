package org.sparkao.datasets.task;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/**
 * Text with fields of the document in it: {@code Question: {{goal}}}. This is the part of Jinja
 * that prompts need; anything else between the braces is refused, never printed as it is.
 */
final class Template {
  private static final Pattern FIELD = Pattern.compile("\\{\\{\\s*([^{}]*?)\\s*\\}\\}");
  private static final Pattern PATH =
      Pattern.compile("[A-Za-z_]\\w*(\\.([A-Za-z_]\\w*|\\d{1,4}))*");

  private final String source;

  private Template(String source) {
    this.source = source;
  }

  /**
   * Checks a template.
   *
   * @param origin the definition, for the error
   */
  static Template parse(String source, String origin) {
    Matcher field = FIELD.matcher(source);
    while (field.find()) {
      if (!PATH.matcher(field.group(1)).matches()) {
        throw TaskErrors.definition(
            origin,
            field.group() + " is not the name of a field; prepare the value in the data or a step");
      }
    }
    String rest = field.replaceAll("");
    if (rest.contains("{{") || rest.contains("}}") || rest.contains("{%") || rest.contains("{#")) {
      throw TaskErrors.definition(
          origin, "\"" + source + "\" is not text with {{field}}s; nothing else is understood");
    }
    return new Template(source);
  }

  /** The text for a document. */
  String render(Document document) {
    return FIELD
        .matcher(source)
        .replaceAll(field -> Matcher.quoteReplacement(document.text(field.group(1))));
  }

  /** The elements of the list that the template names, for a template that is one field alone. */
  List<String> renderList(Document document) {
    Matcher field = FIELD.matcher(source);
    if (!field.matches() || !document.value(field.group(1)).isArray()) {
      throw document.error(source + " is not a list");
    }
    List<String> texts = new ArrayList<>();
    StreamSupport.stream(document.value(field.group(1)).spliterator(), false)
        .forEach(
            element -> {
              if (!element.isTextual()) {
                throw document.error(source + " must be a list of texts and has " + element);
              }
              texts.add(element.asText());
            });
    return texts;
  }
}
