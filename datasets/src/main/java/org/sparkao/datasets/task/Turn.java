package org.sparkao.datasets.task;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.sparkao.datasets.tokenizer.ChatMessage;

/**
 * A part of a prompt: the harness's {@code Message}.
 *
 * @param role who would say it in a conversation
 * @param content what is said
 * @param delimiter stands after it in plain text alone
 */
record Turn(String role, String content, String delimiter) {
  private static final String SYSTEM = "system";
  private static final String USER = "user";

  static Turn system(String content) {
    return new Turn(SYSTEM, content, "");
  }

  static Turn user(String content, String delimiter) {
    return new Turn(USER, content, delimiter);
  }

  static Turn assistant(String content, String delimiter) {
    return new Turn("assistant", content, delimiter);
  }

  /** The prompt of some turns, of which the last is the question. */
  static String prompt(List<Turn> turns, ItemOptions options) {
    return options
        .chat()
        .map(template -> template.prompt(messages(turns, options.turns())))
        .orElseGet(() -> text(turns));
  }

  private static String text(List<Turn> turns) {
    return turns.stream()
        .map(turn -> turn.content() + turn.delimiter())
        .collect(Collectors.joining());
  }

  /** The harness's {@code multiturn_to_singleturn}, or every turn as it is. */
  private static List<ChatMessage> messages(List<Turn> turns, ChatTurns form) {
    if (form == ChatTurns.ONE_EACH) {
      return turns.stream().map(turn -> new ChatMessage(turn.role(), turn.content())).toList();
    }
    boolean system = turns.get(0).role().equals(SYSTEM);
    List<ChatMessage> messages = new ArrayList<>();
    if (system) {
      messages.add(new ChatMessage(SYSTEM, turns.get(0).content()));
    }
    messages.add(new ChatMessage(USER, text(turns.subList(system ? 1 : 0, turns.size()))));
    return messages;
  }
}
