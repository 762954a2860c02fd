package org.sparkao.datasets.task;

/** How examples become turns of a conversation. */
public enum ChatTurns {
  /** Each example is a turn of the user and one of the assistant: {@code fewshot_as_multiturn}. */
  ONE_EACH,
  /** All examples and the question are one turn of the user. */
  ONE_FOR_ALL
}
