package org.sparkao.datasets.tokenizer;

import ai.djl.sentencepiece.SpTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/**
 * A {@code tokenizer.model} through Google's SentencePiece (its Java binding by DJL). Ids are those
 * of SentencePiece itself: it normalizes white space as the model says, and takes special tokens
 * that are spelled out in a text as text.
 */
final class SentencePieceTokenizer implements Tokenizer {
  private final Path file;
  private final SentencePieceModel model;
  private final SpTokenizer library;
  private final SpecialTokens specialTokens;
  private final OptionalInt before;
  private final OptionalInt after;
  private final OpenState state;

  private SentencePieceTokenizer(
      Path file, SentencePieceModel model, SpTokenizer library, TokenizerSettings settings) {
    this.file = file;
    this.model = model;
    this.library = library;
    this.specialTokens = special(model, settings);
    this.before = settings.flag("add_bos_token", true) ? specialTokens.bos() : OptionalInt.empty();
    this.after = settings.flag("add_eos_token", false) ? specialTokens.eos() : OptionalInt.empty();
    this.state = new OpenState(file);
  }

  /** As {@link Tokenizers#open} says, for a folder with a {@code tokenizer.model}. */
  static Tokenizer open(Path folder) {
    Path file = folder.resolve(Tokenizers.SENTENCE_PIECE);
    byte[] bytes;
    SentencePieceModel model;
    try {
      bytes = Files.readAllBytes(file);
      model = SentencePieceModel.of(bytes);
    } catch (IOException | IllegalArgumentException e) {
      throw new DatasetException(
          DatasetErrors.brokenTokenizer(file, TokenizerSettings.firstLine(e)), e);
    }
    if (model.pieces().isEmpty()) {
      throw new DatasetException(DatasetErrors.brokenTokenizer(file, "it has no pieces"));
    }
    Map<String, Integer> ids = model.ids();
    Path added = folder.resolve("added_tokens.json");
    JsonNode tokens = TokenizerSettings.read(added);
    tokens
        .fieldNames()
        .forEachRemaining(
            token -> {
              if (!ids.containsKey(token)) {
                throw new DatasetException(DatasetErrors.tokensBesideTheModel(added, token));
              }
            });
    TokenizerSettings settings = new TokenizerSettings(folder, file);
    settings.checkVocabulary(model.pieces().size());
    special(model, settings); // Refuses before native memory is taken.
    return new SentencePieceTokenizer(file, model, load(file, bytes), settings);
  }

  private static SpecialTokens special(SentencePieceModel model, TokenizerSettings settings) {
    return settings.specialTokens(model.ids(), model.controls(), model.own());
  }

  private static SpTokenizer load(Path file, byte[] bytes) {
    NativeLibraries.prepare();
    try {
      return new SpTokenizer(bytes);
    } catch (LinkageError e) {
      throw new DatasetException(DatasetErrors.noNatives("SentencePiece", e.toString()), e);
    } catch (RuntimeException e) {
      throw new DatasetException(
          DatasetErrors.brokenTokenizer(file, TokenizerSettings.firstLine(e)), e);
    }
  }

  @Override
  public int[] encode(String text) {
    UnicodeText.checked(text);
    return state.whileOpen(() -> library.getProcessor().encode(text));
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    int[] ids = encode(text);
    int[] all = new int[ids.length + (before.isPresent() ? 1 : 0) + (after.isPresent() ? 1 : 0)];
    int begin = 0;
    if (before.isPresent()) {
      all[begin++] = before.getAsInt();
    }
    System.arraycopy(ids, 0, all, begin, ids.length);
    after.ifPresent(id -> all[all.length - 1] = id);
    return all;
  }

  @Override
  public TokenizedText encodeWithOffsets(String text) {
    throw new UnsupportedOperationException(DatasetErrors.noOffsets(file));
  }

  @Override
  public String decode(int[] ids) {
    Set<Integer> special = specialTokens.all();
    return plain(Arrays.stream(ids).filter(id -> !special.contains(id)).toArray());
  }

  @Override
  public String decodeWithSpecialTokens(int[] ids) {
    StringBuilder text = new StringBuilder();
    int begin = 0;
    for (int i = 0; i <= ids.length; i++) {
      if (i == ids.length || specialTokens.all().contains(ids[i])) {
        text.append(plain(Arrays.copyOfRange(ids, begin, i)));
        text.append(i == ids.length ? "" : model.pieces().get(ids[i]).text());
        begin = i + 1;
      }
    }
    return text.toString();
  }

  private String plain(int[] ids) {
    int size = model.pieces().size();
    int[] known = Arrays.stream(ids).filter(id -> id >= 0 && id < size).toArray();
    return state.whileOpen(() -> SentencePieceDecoder.decode(model, known));
  }

  @Override
  public int vocabularySize() {
    return model.pieces().size();
  }

  @Override
  public SpecialTokens specialTokens() {
    return specialTokens;
  }

  @Override
  public void close() {
    state.close(library::close);
  }
}
