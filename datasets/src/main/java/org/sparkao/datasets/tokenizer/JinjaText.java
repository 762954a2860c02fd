package org.sparkao.datasets.tokenizer;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewrites a template so that Jinjava makes of it what Jinja makes with {@code trim_blocks} and
 * {@code lstrip_blocks}, as transformers sets them. Whitespace around tags is taken out here, by
 * the rules of Jinja's lexer, because Jinjava also takes it where no line begins; comments are left
 * out. Inside of tags {@code [::-1]} becomes {@code |reverse}, and named arguments of {@code
 * namespace} get parentheses, before which Jinjava would end them. A {@code for} with a condition
 * is refused where it is reached: Jinjava would find no element and say nothing.
 */
final class JinjaText {
  private static final Pattern OPEN = Pattern.compile("\\{[{%#]");
  private static final Pattern TEXT =
      Pattern.compile("'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"", Pattern.DOTALL);
  private static final Pattern CONDITION = Pattern.compile("\\sif\\s");
  private static final String NAMESPACE = "namespace(";

  private final String template;
  private final StringBuilder out = new StringBuilder();
  private int at;
  private boolean lineStarts = true;

  private JinjaText(String template) {
    this.template = template;
  }

  /**
   * The rewritten template.
   *
   * @throws IllegalArgumentException for a tag without an end
   */
  static String forJinjava(String template) {
    String lines = template.replace("\r\n", "\n").replace('\r', '\n');
    return new JinjaText(lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines)
        .rewritten();
  }

  private String rewritten() {
    Matcher open = OPEN.matcher(template);
    while (open.find(at)) {
      char kind = template.charAt(open.start() + 1);
      int end = end(open.end(), kind);
      boolean signed = isSign(open.end());
      text(template.substring(at, open.start()), signed ? template.charAt(open.end()) : kind);
      boolean signedEnd = isSign(end - 1) && end - 1 >= open.end() + (signed ? 1 : 0);
      String inside = template.substring(open.end() + (signed ? 1 : 0), signedEnd ? end - 1 : end);
      tag(kind, inside.strip());
      at = end + 2;
      skip(kind, signedEnd ? template.charAt(end - 1) : ' ');
    }
    return out.append(template, at, template.length()).toString();
  }

  private void tag(char kind, String inside) {
    if (kind == '{') {
      out.append("{{ ").append(code(inside)).append(" }}");
    } else if (kind == '%') {
      int end = condition(inside);
      if (end < inside.length()) {
        out.append("{{ raise_exception('for with a condition, which Jinjava ignores') }}");
      }
      out.append("{% ").append(code(inside.substring(0, end))).append(" %}");
    }
  }

  private boolean isSign(int place) {
    return template.charAt(place) == '-' || template.charAt(place) == '+';
  }

  /** Where a tag ends; texts in it may look like an end. */
  private int end(int from, char kind) {
    String close = kind == '{' ? "}}" : kind + "}";
    for (int i = from; i + 1 < template.length(); i++) {
      if (template.startsWith(close, i)) {
        return i;
      }
      if (kind != '#' && (template.charAt(i) == '\'' || template.charAt(i) == '"')) {
        Matcher text = TEXT.matcher(template).region(i, template.length());
        if (text.lookingAt()) {
          i = text.end() - 1;
        }
      }
    }
    throw new IllegalArgumentException("a tag has no end: " + template.substring(from - 2));
  }

  /**
   * Text before a tag: all whitespace goes before a minus, blanks from a line's start otherwise.
   */
  private void text(String text, char sign) {
    if (sign == '-') {
      out.append(text.stripTrailing());
    } else if (sign == '+' || sign == '{') {
      out.append(text);
    } else {
      int line = text.lastIndexOf('\n') + 1;
      boolean blank = text.substring(line).matches("[ \t]*") && (line > 0 || lineStarts);
      out.append(blank ? text.substring(0, line) : text);
    }
  }

  /** What goes after a tag: all whitespace after a minus, one line's end after a block. */
  private void skip(char kind, char sign) {
    int from = at;
    if (sign == '-') {
      while (at < template.length() && Character.isWhitespace(template.charAt(at))) {
        at++;
      }
    } else if (kind != '{' && sign != '+' && template.startsWith("\n", at)) {
      at++;
    }
    lineStarts = at > from && template.charAt(at - 1) == '\n';
  }

  private static String code(String inside) {
    StringBuilder code = new StringBuilder();
    Matcher text = TEXT.matcher(inside);
    int from = 0;
    while (text.find()) {
      code.append(inside.substring(from, text.start()).replace("[::-1]", "|reverse"));
      code.append(text.group());
      from = text.end();
    }
    return withNamedArguments(
        code.append(inside.substring(from).replace("[::-1]", "|reverse")).toString());
  }

  /** Where the condition of a {@code for} begins; the length of the tag where there is none. */
  private static int condition(String inside) {
    String bare = TEXT.matcher(inside).replaceAll(text -> "x".repeat(text.group().length()));
    Matcher condition = CONDITION.matcher(bare);
    while (bare.startsWith("for ") && condition.find()) {
      String before = bare.substring(0, condition.start());
      if (before.chars().filter(c -> c == '(').count()
          == before.chars().filter(c -> c == ')').count()) {
        return condition.start();
      }
    }
    return inside.length();
  }

  /** {@code namespace(a=x, b=y)} with {@code (x)} and {@code (y)}. */
  private static String withNamedArguments(String code) {
    int call = code.indexOf(NAMESPACE);
    if (call < 0) {
      return code;
    }
    int begin = call + NAMESPACE.length();
    StringBuilder out = new StringBuilder(code.substring(0, begin));
    int depth = 0;
    boolean named = false;
    for (int i = begin; i < code.length(); i++) {
      char c = code.charAt(i);
      boolean ends = depth == 0 && (c == ',' || c == ')');
      if (ends && named) {
        out.append(')');
        named = false;
      }
      out.append(c);
      if (ends && c == ')') {
        return out.append(code.substring(i + 1)).toString();
      }
      depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
      if (depth == 0 && !named && c == '=') {
        out.append('(');
        named = true;
      }
    }
    return code;
  }
}
