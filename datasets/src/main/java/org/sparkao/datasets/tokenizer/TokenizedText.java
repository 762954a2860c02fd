package org.sparkao.datasets.tokenizer;

/**
 * The tokens of one text with their places. The arrays are the caller's, one element a token.
 *
 * @param ids token ids
 * @param begins index in the text (UTF-16 units) of the first character of a token, inclusive
 * @param ends index behind the last character, exclusive; a character that several tokens make up
 *     belongs to each of them
 */
public record TokenizedText(int[] ids, int[] begins, int[] ends) {
  /** Checks that the arrays have one length. */
  public TokenizedText {
    if (ids.length != begins.length || ids.length != ends.length) {
      throw new IllegalArgumentException(
          ids.length + " ids, " + begins.length + " begins, " + ends.length + " ends");
    }
  }
}
