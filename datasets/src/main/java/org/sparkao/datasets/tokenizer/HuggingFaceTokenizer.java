package org.sparkao.datasets.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/**
 * A {@code tokenizer.json} through the tokenizers library of Hugging Face (its Java binding by
 * DJL). Truncation and padding that the file asks for are switched off.
 */
final class HuggingFaceTokenizer implements Tokenizer {
  private static final Map<String, String> NOTHING_CUT =
      Map.of("truncation", "false", "padding", "false");

  private final ai.djl.huggingface.tokenizers.HuggingFaceTokenizer library;
  private final OpenState state;
  private final int vocabularySize;
  private final SpecialTokens specialTokens;

  private HuggingFaceTokenizer(
      Path file,
      ai.djl.huggingface.tokenizers.HuggingFaceTokenizer library,
      int vocabularySize,
      SpecialTokens specialTokens) {
    this.library = library;
    this.state = new OpenState(file);
    this.vocabularySize = vocabularySize;
    this.specialTokens = specialTokens;
  }

  /** As {@link Tokenizers#open} says, for a folder with a {@code tokenizer.json}. */
  static Tokenizer open(Path folder) {
    Path file = folder.resolve(Tokenizers.JSON);
    JsonNode json;
    try {
      json = TokenizerSettings.read(file);
    } catch (DatasetException e) {
      String reason = e.getCause() == null ? "no object of JSON" : e.getCause().getMessage();
      throw new DatasetException(
          DatasetErrors.brokenTokenizer(file, reason.lines().findFirst().orElse("")), e);
    }
    JsonVocabulary vocabulary = JsonVocabulary.of(file, json);
    TokenizerSettings settings = new TokenizerSettings(folder, file);
    settings.checkVocabulary(vocabulary.size());
    SpecialTokens special =
        settings.specialTokens(vocabulary.ids(), vocabulary.special(), Map.of());
    return new HuggingFaceTokenizer(file, load(file), vocabulary.size(), special);
  }

  private static ai.djl.huggingface.tokenizers.HuggingFaceTokenizer load(Path file) {
    NativeLibraries.prepare();
    try {
      byte[] bytes = Files.readAllBytes(file);
      return ai.djl.huggingface.tokenizers.HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(bytes), NOTHING_CUT);
    } catch (IOException e) {
      throw new DatasetException(
          DatasetErrors.brokenTokenizer(file, TokenizerSettings.firstLine(e)), e);
    } catch (LinkageError e) {
      throw new DatasetException(DatasetErrors.noNatives("tokenizers", e.toString()), e);
    } catch (RuntimeException e) {
      if (e instanceof ai.djl.engine.EngineException) {
        throw new DatasetException(DatasetErrors.noNatives("tokenizers", e.toString()), e);
      }
      throw new DatasetException(
          DatasetErrors.brokenTokenizer(file, TokenizerSettings.firstLine(e)), e);
    }
  }

  @Override
  public int[] encode(String text) {
    return ids(encoding(text, false));
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    return ids(encoding(text, true));
  }

  @Override
  public TokenizedText encodeWithOffsets(String text) {
    Encoding encoding = encoding(text, false);
    int[] ids = ids(encoding);
    int[] begins = new int[ids.length];
    int[] ends = new int[ids.length];
    int[] units = UnicodeText.unitIndexes(text);
    CharSpan[] spans = encoding.getCharTokenSpans();
    for (int i = 0; i < ids.length; i++) {
      begins[i] = units[spans[i].getStart()];
      ends[i] = units[spans[i].getEnd()];
    }
    return new TokenizedText(ids, begins, ends);
  }

  private Encoding encoding(String text, boolean addSpecialTokens) {
    UnicodeText.checked(text);
    return state.whileOpen(() -> library.encode(text, addSpecialTokens, false));
  }

  private static int[] ids(Encoding encoding) {
    return Arrays.stream(encoding.getIds()).mapToInt(Math::toIntExact).toArray();
  }

  @Override
  public String decode(int[] ids) {
    return text(ids, true);
  }

  @Override
  public String decodeWithSpecialTokens(int[] ids) {
    return text(ids, false);
  }

  private String text(int[] ids, boolean skipSpecialTokens) {
    long[] known = Arrays.stream(ids).filter(id -> id >= 0).asLongStream().toArray();
    return state.whileOpen(() -> library.decode(known, skipSpecialTokens));
  }

  @Override
  public int vocabularySize() {
    return vocabularySize;
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
