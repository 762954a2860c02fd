package org.sparkao.jobs.export.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.QuantException;

/** Tokens by id, with types as GGUF numbers them. */
final class Vocabulary {
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final double ADDED_SCORE = -1000;

  private final String folder;
  private final String[] texts;
  private final long[] types;
  private final double[] scores;
  private int next;

  Vocabulary(String folder, int size) {
    this.folder = folder;
    this.texts = new String[size];
    this.types = new long[size];
    this.scores = new double[size];
  }

  /** The next token. */
  void add(String text, int type, float score) {
    put(next, text, type);
    scores[next++] = score;
  }

  /** A token of the model. */
  void put(int id, String text, int type) {
    if (id < 0 || id >= texts.length) {
      throw new QuantException(
          folder
              + ": the tokenizer has the token "
              + text
              + " of id "
              + id
              + ", config.json a vocab_size of "
              + texts.length
              + "; correct either");
    }
    texts[id] = text;
    types[id] = type;
  }

  /** A token that was added to the model's. */
  void replace(int id, String text, boolean special) {
    // Those in the shapes of special tokens are special whatever the file says.
    boolean looksSpecial = text.matches("<\\|.*\\|>|<｜.*｜>|<pad>|<mask>|<unk>|<s>|</s>");
    put(id, text, special || looksSpecial ? CONTROL : USER_DEFINED);
    scores[id] = ADDED_SCORE;
  }

  /** The same, unless the model has that very token. */
  void replaceOther(int id, String text, boolean special) {
    if (id < 0 || id >= texts.length || !text.equals(texts[id])) {
      replace(id, text, special);
    }
  }

  /** Fills ids that nothing has. */
  void pad(double score) {
    for (int id = 0; id < texts.length; id++) {
      if (texts[id] == null) {
        texts[id] = "[PAD" + id + "]";
        types[id] = UNUSED;
        scores[id] = score;
      }
    }
  }

  Optional<Integer> id(String text) {
    int id = Arrays.asList(texts).indexOf(text);
    return id < 0 ? Optional.empty() : Optional.of(id);
  }

  List<String> texts() {
    return Arrays.asList(texts);
  }

  List<Long> types() {
    return Arrays.stream(types).boxed().toList();
  }

  List<Double> scores() {
    List<Double> all = new ArrayList<>();
    for (double score : scores) {
      all.add(score);
    }
    return all;
  }
}
