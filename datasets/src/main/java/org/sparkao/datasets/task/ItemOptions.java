package org.sparkao.datasets.task;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.datasets.tokenizer.ChatTemplate;

/**
 * How a task's items are asked, where that is not the task's to say.
 *
 * @param fewshot examples before each question; the task's own number if empty
 * @param chat the template that makes a conversation of each prompt; plain text if empty
 * @param systemPrompt stands before the task's description, which it joins as the harness joins
 *     them; none if empty
 * @param turns how examples become turns; without a chat template it does nothing
 */
public record ItemOptions(
    OptionalInt fewshot,
    Optional<ChatTemplate> chat,
    Optional<String> systemPrompt,
    ChatTurns turns) {

  /** Refuses a negative number of examples. */
  public ItemOptions {
    if (fewshot.isPresent() && fewshot.getAsInt() < 0) {
      throw TaskErrors.negativeFewshot(fewshot.getAsInt());
    }
  }

  /** As the task says, as plain text: what the harness does without options. */
  public static ItemOptions ofTask() {
    return new ItemOptions(
        OptionalInt.empty(), Optional.empty(), Optional.empty(), ChatTurns.ONE_EACH);
  }

  /** With so many examples before each question. */
  public ItemOptions withFewshot(int examples) {
    return new ItemOptions(OptionalInt.of(examples), chat, systemPrompt, turns);
  }

  /** As a conversation in a model's form. */
  public ItemOptions withChat(ChatTemplate template) {
    return new ItemOptions(fewshot, Optional.of(template), systemPrompt, turns);
  }

  /** With a text that tells the model how to behave. */
  public ItemOptions withSystemPrompt(String prompt) {
    return new ItemOptions(fewshot, chat, Optional.of(prompt), turns);
  }

  /** With examples as turns of their own, or not. */
  public ItemOptions withTurns(ChatTurns form) {
    return new ItemOptions(fewshot, chat, systemPrompt, form);
  }
}
