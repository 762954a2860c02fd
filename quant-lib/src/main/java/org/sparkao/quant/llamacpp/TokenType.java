package org.sparkao.quant.llamacpp;

/** Types of tokens in the order of their numbers, from 1 on: those of SentencePiece. */
enum TokenType {
  NORMAL,
  UNKNOWN,
  CONTROL,
  USER_DEFINED,
  UNUSED,
  BYTE;

  /** The type of a number; normal where there is none. */
  static TokenType of(long number) {
    return number >= 1 && number <= values().length ? values()[(int) number - 1] : NORMAL;
  }
}
