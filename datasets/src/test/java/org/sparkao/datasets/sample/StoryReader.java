package org.sparkao.datasets.sample;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Learns the facts of the world from the text, as a reader would: from every sentence that states
 * one. It shares no code and no word list with the writer; it knows the grammar alone, fails on a
 * sentence that is not in it, and on a fact that contradicts an earlier one.
 */
final class StoryReader {
  private static final String PERSON = "([A-Z][a-z]+ [A-Z][a-z]+)";
  private static final String HOME = "goes home to";
  private static final Pattern HABIT =
      Pattern.compile(
          PERSON
              + " (goes home to|feeds the|eats the|works as the|plays the|waters the|runs from the"
              + "|counts the) (\\w+)");
  private static final Pattern VISIT = Pattern.compile(PERSON + " visits " + PERSON + " in (\\w+)");
  private static final Pattern FINDING =
      Pattern.compile(PERSON + " (finds|still holds) the (\\w+)");
  private static final Pattern MEETING = Pattern.compile(PERSON + " meets " + PERSON);

  private final Map<String, String> facts = new HashMap<>();

  /** Reads a story and keeps its facts. */
  void read(String story) {
    for (String sentence : sentences(story)) {
      Matcher habit = HABIT.matcher(sentence);
      Matcher visit = VISIT.matcher(sentence);
      if (habit.matches()) {
        learn(habit.group(1), habit.group(2), habit.group(3), story);
      } else if (visit.matches()) {
        learn(visit.group(2), HOME, visit.group(3), story);
      } else if (!FINDING.matcher(sentence).matches() && !MEETING.matcher(sentence).matches()) {
        throw new AssertionError("not in the grammar: " + sentence + " in " + story);
      }
    }
  }

  /** Whether the last sentence of the text is true, given the facts and what came before it. */
  boolean lastSentenceHolds(String text) {
    List<String> sentences = sentences(text);
    String last = sentences.get(sentences.size() - 1);
    Matcher habit = HABIT.matcher(last);
    Matcher visit = VISIT.matcher(last);
    Matcher finding = FINDING.matcher(last);
    if (habit.matches()) {
      return habit.group(3).equals(known(habit.group(1), habit.group(2), text));
    }
    if (visit.matches()) {
      return visit.group(3).equals(known(visit.group(2), HOME, text));
    }
    if (finding.matches()) {
      return sentences.contains(finding.group(1) + " finds the " + finding.group(3));
    }
    throw new AssertionError("nothing to check in: " + last);
  }

  private void learn(String person, String verb, String answer, String story) {
    String before = facts.put(person + " " + verb, answer);
    if (before != null && !before.equals(answer)) {
      throw new AssertionError(
          person + " " + verb + " " + before + ", but also " + answer + " in " + story);
    }
  }

  private String known(String person, String verb, String text) {
    String fact = facts.get(person + " " + verb);
    if (fact == null) {
      throw new AssertionError("no story tells what " + person + " " + verb + ", asked in " + text);
    }
    return fact;
  }

  private static List<String> sentences(String text) {
    return List.of(text.substring(0, text.length() - 1).split("\\. "));
  }
}
