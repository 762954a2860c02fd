package org.sparkao.datasets.task;

import java.util.regex.MatchResult;
import java.util.regex.Matcher;

/**
 * Takes the answer out of a generated text: the harness's filters {@code regex} and {@code
 * take_first}. Of several groups the first that is not empty is the answer; space around it is
 * taken off.
 *
 * @param name the name that scores carry
 * @param regex finds answers; a whole match without groups in it
 * @param select which match counts, from 0, or from -1 backwards
 * @param fallback the answer if there is no such match
 */
record ResponseFilter(String name, String regex, int select, String fallback) {
  private static final String INVALID = "[invalid]";

  ResponseFilter {
    fallback = fallback == null ? INVALID : fallback;
  }

  /** The answer in a text. */
  String answer(String text) {
    if (regex == null) {
      return text;
    }
    Matcher matcher = PythonPattern.compile(regex).matcher(text);
    String[] found = matcher.results().map(ResponseFilter::group).toArray(String[]::new);
    int index = select < 0 ? found.length + select : select;
    if (index < 0 || index >= found.length) {
      return fallback;
    }
    // Several groups that are all empty are no answer; one empty group is an empty answer.
    return found[index].isEmpty() && matcher.groupCount() > 1
        ? fallback
        : PythonText.strip(found[index]);
  }

  private static String group(MatchResult match) {
    if (match.groupCount() == 0) {
      return match.group();
    }
    for (int i = 1; i <= match.groupCount(); i++) {
      if (match.group(i) != null && !match.group(i).isEmpty()) {
        return match.group(i);
      }
    }
    return "";
  }
}
