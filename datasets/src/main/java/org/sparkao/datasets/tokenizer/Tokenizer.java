package org.sparkao.datasets.tokenizer;

/**
 * Text to token ids and back. Nothing is truncated or padded.
 *
 * <p>All methods may be called by any number of threads at once, and results do not depend on what
 * other threads do. {@link #close} waits for calls under way; later calls are refused with an
 * {@link IllegalStateException}.
 */
public interface Tokenizer extends AutoCloseable {
  /**
   * The ids of a text, no special tokens added. With a {@code tokenizer.json}, special tokens that
   * are spelled out in the text become their ids; SentencePiece takes them as text.
   *
   * @throws org.sparkao.datasets.DatasetException for half a surrogate pair in the text
   */
  int[] encode(String text);

  /**
   * As {@link #encode}, with the special tokens that the tokenizer puts around a text: those of the
   * post-processor of {@code tokenizer.json}; for SentencePiece those that {@code add_bos_token}
   * and {@code add_eos_token} of {@code tokenizer_config.json} say (without it: the token that
   * begins a text, where there is one, and none at the end).
   */
  int[] encodeWithSpecialTokens(String text);

  /**
   * As {@link #encode}, with the place of each token in the text.
   *
   * @throws UnsupportedOperationException if the tokenizer does not tell ({@code tokenizer.model})
   */
  TokenizedText encodeWithOffsets(String text);

  /**
   * The text of ids, special tokens left out. Ids without a token (models have rows to spare) give
   * nothing; bytes that are no UTF-8 give U+FFFD.
   */
  String decode(int[] ids);

  /** The text of ids, special tokens spelled out. */
  String decodeWithSpecialTokens(int[] ids);

  /** One more than the greatest id that a text can get, special tokens included. */
  int vocabularySize();

  /** The ids with a meaning of their own. */
  SpecialTokens specialTokens();

  /** Frees the native memory; a second call does nothing. */
  @Override
  void close();
}
