package org.sparkao.datasets.task;

import java.util.regex.Pattern;

/**
 * The harness's {@code wikitext_detokenizer} (tasks/wikitext/preprocess_wikitext.py), rule by rule
 * and in its order: even what looks like a mistake there is kept, because published figures have
 * it.
 */
final class WikitextDetokenizer {
  private static final Pattern DIGIT_CLASS = Pattern.compile("/' [0-9]/");
  private static final Pattern ROUND = inside("\\(", "[^)]", "\\)");
  private static final Pattern SQUARE = inside("\\[", "[^\\]]", "\\]");
  private static final Pattern CURLY = inside("\\{", "[^}]", "\\}");
  private static final Pattern DOUBLE = inside("\"", "[^\"]", "\"");
  private static final Pattern SINGLE = inside("'", "[^']", "'");

  private WikitextDetokenizer() {}

  /** The document with the field {@code detokenized}, made of the field {@code page}. */
  static Document addDetokenized(Document document) {
    return document.with("detokenized", detokenized(document.text("page")));
  }

  private static String detokenized(String page) {
    String text = page.replace("s '", "s'");
    text = DIGIT_CLASS.matcher(text).replaceAll("/'[0-9]/");
    text = text.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".");
    for (String mark : new String[] {":", ";", ".", "!", "?", ","}) {
      text = text.replace(" " + mark + " ", mark + " ");
    }
    text = ROUND.matcher(text).replaceAll("($1)");
    text = SQUARE.matcher(text).replaceAll("[$1]");
    text = CURLY.matcher(text).replaceAll("{$1}");
    text = DOUBLE.matcher(text).replaceAll("\"$1\"");
    text = SINGLE.matcher(text).replaceAll("'$1'");
    text = text.replace("= = = =", "====").replace("= = =", "===").replace("= =", "==");
    return text.replace(" \u00b0 ", "\u00b0")
        .replace(" \n", "\n")
        .replace("\n ", "\n")
        .replace(" N ", " 1 ")
        .replace(" 's", "'s");
  }

  private static Pattern inside(String open, String other, String close) {
    String spaces = PythonText.SPACE + "*";
    return Pattern.compile(open + spaces + "(" + other + "*?)" + spaces + close);
  }
}
