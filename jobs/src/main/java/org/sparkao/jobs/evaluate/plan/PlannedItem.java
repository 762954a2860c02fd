package org.sparkao.jobs.evaluate.plan;

import java.nio.ByteBuffer;
import java.util.List;
import org.sparkao.datasets.task.Answer;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.jobs.table.AskedItem;

/**
 * An item of a task, as tokens.
 *
 * @param task that it belongs to
 * @param index from 0 in the order of the data
 * @param hash SHA-256 of its record in the data, and of the chunk's number where a text is cut
 * @param group the part of the task that it belongs to; may be empty
 * @param answer what is right
 * @param asked its texts as people read them
 * @param requestHashes SHA-256 of each request's text
 * @param work what an executor needs
 */
public record PlannedItem(
    EvaluationTask task,
    int index,
    String hash,
    String group,
    Answer answer,
    AskedItem asked,
    List<String> requestHashes,
    ItemWork work) {
  /** Freezes the list. */
  public PlannedItem {
    requestHashes = List.copyOf(requestHashes);
  }

  /** Whether a text is generated. */
  public boolean isContinued() {
    return !work.prompts().isEmpty();
  }

  /**
   * SHA-256 of what the model gets: of every sequence the number of tokens, the first scored one
   * and all ids; of a prompt all that decides its continuation. Few-shot examples, chat template,
   * tokenizer and truncation are all in it.
   */
  public String promptHash() {
    Sha256 hash = new Sha256();
    for (RequestTokens request : work.requests()) {
      hash.add(ints(request.sequences().size()));
      for (TokenSequence sequence : request.sequences()) {
        hash.add(ints(sequence.ids().length, sequence.firstScored()));
        hash.add(ints(sequence.ids()));
      }
    }
    for (PromptTokens prompt : work.prompts()) {
      hash.add(ints(prompt.ids().length, prompt.endTokens().length, prompt.mostTokens()));
      hash.add(ints(prompt.ids()));
      hash.add(ints(prompt.endTokens()));
      prompt.until().forEach(text -> hash.line(text.length() + " " + text));
    }
    return hash.hex();
  }

  private static byte[] ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * values.length);
    bytes.asIntBuffer().put(values);
    return bytes.array();
  }
}
