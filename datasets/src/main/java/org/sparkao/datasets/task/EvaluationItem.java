package org.sparkao.datasets.task;

import java.util.List;

/**
 * One item of a task, ready to be asked.
 *
 * @param index number from 0 in the order of the data
 * @param hash SHA-256 (lower-case hex) of the canonical JSON of the document as it is in the data,
 *     so that an item keeps its hash in another file, at another line and under another prompt
 * @param requests one a choice, or one; all are needed for the score
 * @param answer what is right
 * @param group the part of the task that it belongs to, a subject of MMLU; empty where there are
 *     none
 */
public record EvaluationItem(
    int index, String hash, List<Request> requests, Answer answer, String group) {
  /** Takes a copy. */
  public EvaluationItem {
    requests = List.copyOf(requests);
  }
}
