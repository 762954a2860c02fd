package org.sparkao.datasets.tokenizer;

import java.util.List;

/**
 * The vocabulary of a {@code tokenizer.model}, for formats that keep it in their own way.
 *
 * @param pieces in the order of ids
 */
public record SentencePieceVocabulary(List<Piece> pieces) {

  /**
   * One piece.
   *
   * @param text with spaces as U+2581
   * @param score of the model; larger is merged first
   * @param type 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
   */
  public record Piece(String text, float score, int type) {}

  /** Owns its list. */
  public SentencePieceVocabulary {
    pieces = List.copyOf(pieces);
  }

  /**
   * Reads a model.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static SentencePieceVocabulary of(byte[] model) {
    return new SentencePieceVocabulary(
        SentencePieceModel.of(model).pieces().stream()
            .map(piece -> new Piece(piece.text(), piece.score(), piece.type()))
            .toList());
  }
}
