package org.sparkao.datasets.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a {@code tokenizer.model} says that the library does not tell: a protocol buffer, {@code
 * ModelProto} of sentencepiece_model.proto. Read are the pieces (field 1), of the trainer's
 * settings (field 2) the ids 40 to 43 and the text of the unknown (44), and of the normalizer's
 * (field 3) what happens to white space (3, 4).
 *
 * @param pieces in the order of ids
 * @param own ids by key of {@code tokenizer_config.json}; absent: the model has no such token
 * @param unknownText what the unknown token decodes to
 * @param addsPrefix whether a space is put before a text
 * @param removesSpaces whether repeated, leading and trailing spaces are taken out
 */
record SentencePieceModel(
    List<Piece> pieces,
    Map<String, Integer> own,
    String unknownText,
    boolean addsPrefix,
    boolean removesSpaces) {

  /** One piece: its text, spaces as U+2581, its score, and its type as the format numbers them. */
  record Piece(String text, float score, int type) {
    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int BYTE = 6;

    boolean isByte() {
      return type == BYTE;
    }

    /** The byte of a piece such as {@code <0x0A>}. */
    byte byteValue() {
      return (byte) Integer.parseInt(text.substring(3, 5), 16);
    }
  }

  private static final List<String> KEYS =
      List.of("unk_token", "bos_token", "eos_token", "pad_token");
  private static final int FIRST_KEY = 40;
  private static final int UNKNOWN_TEXT = 44;

  /**
   * Reads a model.
   *
   * @throws IllegalArgumentException if it is none
   */
  static SentencePieceModel of(byte[] bytes) {
    List<Piece> pieces = new ArrayList<>();
    int[] special = {0, 1, 2, -1};
    String unknownText = " \u2047 ";
    boolean addsPrefix = true;
    boolean removesSpaces = true;
    ProtocolBuffer model = new ProtocolBuffer(bytes);
    while (model.next()) {
      ProtocolBuffer part = model.message();
      switch (model.field()) {
        case 1 -> pieces.add(piece(part));
        case 2 -> {
          while (part.next()) {
            int key = part.field() - FIRST_KEY;
            if (key >= 0 && key < KEYS.size()) {
              special[key] = (int) part.number();
            } else if (part.field() == UNKNOWN_TEXT) {
              unknownText = new String(part.bytes(), StandardCharsets.UTF_8);
            }
          }
        }
        case 3 -> {
          while (part.next()) {
            addsPrefix = part.field() == 3 ? part.number() != 0 : addsPrefix;
            removesSpaces = part.field() == 4 ? part.number() != 0 : removesSpaces;
          }
        }
        default -> {
          // Test data of the trainer, and rules for other texts than those of language models.
        }
      }
    }
    return new SentencePieceModel(
        pieces, own(special, pieces.size()), unknownText, addsPrefix, removesSpaces);
  }

  private static Piece piece(ProtocolBuffer part) {
    String text = "";
    float score = 0;
    int type = Piece.NORMAL;
    while (part.next()) {
      if (part.field() == 1) {
        text = new String(part.bytes(), StandardCharsets.UTF_8);
      } else if (part.field() == 2) {
        score = ByteBuffer.wrap(part.bytes()).order(ByteOrder.LITTLE_ENDIAN).getFloat();
      } else if (part.field() == 3) {
        type = (int) part.number();
      }
    }
    if (type == Piece.BYTE && !text.matches("<0x[0-9A-F]{2}>")) {
      throw new IllegalArgumentException("the piece of a byte is named " + text);
    }
    return new Piece(text, score, type);
  }

  private static Map<String, Integer> own(int[] special, int size) {
    Map<String, Integer> own = new HashMap<>();
    for (int key = 0; key < special.length; key++) {
      if (special[key] >= 0 && special[key] < size) {
        own.put(KEYS.get(key), special[key]);
      }
    }
    return own;
  }

  /** The vocabulary by token. */
  Map<String, Integer> ids() {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      ids.putIfAbsent(pieces.get(id).text(), id);
    }
    return ids;
  }

  /** Ids of control pieces, which no text contains. */
  Set<Integer> controls() {
    return IntStream.range(0, pieces.size())
        .filter(id -> pieces.get(id).type() == Piece.CONTROL)
        .boxed()
        .collect(Collectors.toSet());
  }
}
