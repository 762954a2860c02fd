package org.sparkao.datasets.task;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What is asked of the model for one item. */
public enum TaskKind {
  /** The log-likelihood of each of several continuations; one is right. */
  @JsonProperty("multiple-choice")
  MULTIPLE_CHOICE,
  /** The log-likelihood of one continuation, and whether greedy decoding would give it. */
  @JsonProperty("last-word")
  LAST_WORD,
  /** The log-likelihood of a whole text, window by window. */
  @JsonProperty("perplexity")
  PERPLEXITY,
  /** A text generated greedily, which must match the right one. */
  @JsonProperty("generation")
  GENERATION
}
