package org.sparkao.datasets.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/** The tokenizers there are: by the file that the folder of a checkpoint holds. */
public final class Tokenizers {
  static final String JSON = "tokenizer.json";
  static final String SENTENCE_PIECE = "tokenizer.model";

  private Tokenizers() {}

  /**
   * Opens the tokenizer in the folder of a checkpoint: {@code tokenizer.json}, or where there is
   * none {@code tokenizer.model} (SentencePiece). Where {@code config.json} is there, its {@code
   * vocab_size} must match: no fewer than the tokenizer's ids, and at most a ninth more (models
   * have rows to spare).
   *
   * @return to be closed by the caller
   * @throws DatasetException if there is none, if it is broken, or if it is of another model
   */
  public static Tokenizer open(Path folder) {
    if (Files.exists(folder.resolve(JSON))) {
      return HuggingFaceTokenizer.open(folder);
    }
    if (Files.exists(folder.resolve(SENTENCE_PIECE))) {
      return SentencePieceTokenizer.open(folder);
    }
    throw new DatasetException(DatasetErrors.noTokenizer(folder));
  }
}
