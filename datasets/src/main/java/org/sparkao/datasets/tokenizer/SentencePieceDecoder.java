package org.sparkao.datasets.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Ids to text as {@code SentencePieceProcessor::Decode} does it (sentencepiece_processor.cc). The
 * Java library's own decoding ends a text at a zero byte and breaks characters beyond U+FFFF.
 */
final class SentencePieceDecoder {
  private static final String SPACE = "\u2581";
  private static final char REPLACEMENT = '\ufffd';

  private final SentencePieceModel model;
  private final StringBuilder text = new StringBuilder();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private boolean atBegin = true;

  private SentencePieceDecoder(SentencePieceModel model) {
    this.model = model;
  }

  /** The text of ids, which must be of pieces of the model. */
  static String decode(SentencePieceModel model, int[] ids) {
    SentencePieceDecoder decoder = new SentencePieceDecoder(model);
    for (int id : ids) {
      decoder.append(model.pieces().get(id));
    }
    decoder.appendBytes();
    return decoder.text.toString();
  }

  private void append(SentencePieceModel.Piece piece) {
    if (piece.isByte()) {
      bytes.write(piece.byteValue());
      return;
    }
    appendBytes();
    switch (piece.type()) {
      case SentencePieceModel.Piece.CONTROL -> {
        // Has no text.
      }
      case SentencePieceModel.Piece.UNKNOWN -> text.append(model.unknownText());
      default -> appendPlain(piece.text());
    }
  }

  /** The space that was put before the text is taken away again. */
  private void appendPlain(String piece) {
    String rest = piece;
    boolean strips = model.addsPrefix() || model.removesSpaces();
    if (atBegin && text.isEmpty() && strips && piece.startsWith(SPACE)) {
      rest = piece.substring(SPACE.length());
      atBegin = model.removesSpaces();
    }
    text.append(rest.replace(SPACE, " "));
  }

  /** Each byte that begins no character becomes a replacement character of its own. */
  private void appendBytes() {
    byte[] run = bytes.toByteArray();
    bytes.reset();
    int begin = 0;
    while (begin < run.length) {
      int length = Math.min(length(run[begin]), run.length - begin);
      try {
        text.append(
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(run, begin, length)));
        begin += length;
      } catch (CharacterCodingException e) {
        text.append(REPLACEMENT);
        begin++;
      }
    }
  }

  private static int length(byte first) {
    int ones = Integer.numberOfLeadingZeros(~(first << 24));
    return Math.max(1, Math.min(ones, 4));
  }
}
