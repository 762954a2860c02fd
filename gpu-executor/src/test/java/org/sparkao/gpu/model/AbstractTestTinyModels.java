package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModel.Sampling;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.LanguageModel.SequenceScore;
import org.sparkao.quant.QuantException;

/** Tiny models of every family against transformers, and the promise that batches do not count. */
abstract class AbstractTestTinyModels {
  private static final int VOCABULARY = 64;
  private static final float LOGITS = 2e-4f;

  /** Less than a layer, more than rounding and the norms of heads. */
  private static final long MISSING_BYTES = 10_000;

  private static final ModelSettings SETTINGS =
      ModelSettings.ofTokens(192).withCache(KvCache.Type.FP32);

  private ModelOperators operators;

  /** In fp32. */
  abstract ModelOperators open();

  /** Tokens of a pass with which memory is made scarce: where operators take none themselves. */
  int[] budgets() {
    return new int[] {30, 64};
  }

  /** What caches may hold; of no matter where there are none. */
  List<KvCache.Type> cacheTypes() {
    return List.of(KvCache.Type.values());
  }

  static List<String> models() {
    return TinyModel.ALL;
  }

  @BeforeEach
  void begin() {
    operators = open();
  }

  @AfterEach
  void end() {
    operators.close();
    operators.device().close();
  }

  /** With operators of its own, that have reserved nothing. */
  private LanguageModel open(TinyModel tiny, ModelSettings settings) {
    end();
    begin();
    return tiny.open(operators, settings);
  }

  @ParameterizedTest
  @MethodSource("models")
  void logitsAndContinuation(String name) {
    TinyModel tiny = TinyModel.read(name);
    int[] ids = tiny.ids();
    float[] expected = tiny.logits();
    int first = ids.length - expected.length / VOCABULARY;
    try (LanguageModel model = open(tiny, SETTINGS)) {
      int[] longer = Arrays.copyOf(ids, ids.length + 1);
      model.score(
          List.of(new ScoredSequence(longer, first + 1)),
          (sequence, position, logits) -> {
            for (int i = 0; i < VOCABULARY; i++) {
              float wanted = expected[(position - 1 - first) * VOCABULARY + i];
              if (!(Math.abs(logits[i] - wanted) <= LOGITS)) {
                assertThat(logits[i]).as(position + " [" + i + "]").isEqualTo(wanted);
              }
            }
          });
      GenerationLimits limits = new GenerationLimits(8, new int[0], (prompt, tokens) -> false);
      assertThat(model.generate(List.of(ids), limits).get(0)).isEqualTo(tiny.continuation());
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aSequenceScoresTheSameInAnyBatch(String name) {
    TinyModel tiny = TinyModel.read(name);
    List<ScoredSequence> sequences = sequences();
    Map<Integer, SequenceScore> alone = new TreeMap<>();
    try (LanguageModel model = open(tiny, SETTINGS)) {
      assertThat(model.placement()).isEqualTo(LanguageModel.Placement.RESIDENT);
      for (int i = 0; i < sequences.size(); i++) {
        alone.put(i, model.score(List.of(sequences.get(i))).get(0));
      }
      assertSame(model.score(sequences), alone, order(sequences.size()));
      List<Integer> reversed = order(sequences.size());
      Collections.reverse(reversed);
      assertSame(model.score(reversed.stream().map(sequences::get).toList()), alone, reversed);
    }
    for (int budget : budgets()) {
      ModelSettings settings = ModelSettings.ofTokens(budget).withCache(KvCache.Type.FP32);
      long needed = residentBytes(tiny, settings);
      try (LanguageModel model = open(tiny, settings.withMemory(needed))) {
        assertThat(model.placement()).isEqualTo(LanguageModel.Placement.RESIDENT);
      }
      try (LanguageModel model = open(tiny, settings.withMemory(needed - MISSING_BYTES))) {
        assertThat(model.placement()).isEqualTo(LanguageModel.Placement.STREAMED);
        assertSame(model.score(sequences), alone, order(sequences.size()));
      }
    }
  }

  /** What a model takes whose operators have no working memory of their own. */
  private long residentBytes(TinyModel tiny, ModelSettings settings) {
    ModelConfig config = tiny.config();
    long work =
        PassMemory.Sizes.of(config, settings.batchTokens(), operators).bytes()
            + RotaryTables.bytes(config.heads().dimension(), config.sizes().context());
    return MemoryPlan.of(operators, ModelWeights.of(config, tiny), work).residentBytes();
  }

  /** As the last window of a text that is scored whole. */
  @Test
  void theTokenAfterAFullContextIsScored() {
    TinyModel tiny = TinyModel.read("llama");
    ScoredSequence whole = sequences().get(1);
    int read = whole.ids().length - 1;
    SequenceScore expected;
    try (LanguageModel model = open(tiny, SETTINGS)) {
      expected = model.score(List.of(whole)).get(0);
    }
    ModelSettings full =
        ModelSettings.ofTokens(read).withLongest(read).withCache(KvCache.Type.FP32);
    try (LanguageModel model = open(tiny, full)) {
      SequenceScore found = model.score(List.of(whole)).get(0);
      assertThat(found.logProbabilities()).isEqualTo(expected.logProbabilities());
      assertThat(found.logProbabilities()).hasSize(whole.ids().length - whole.firstScored());
    }
  }

  @Test
  void promptsContinueTheSameInAnyBatch() {
    TinyModel tiny = TinyModel.read("qwen3");
    List<int[]> prompts = sequences().stream().map(ScoredSequence::ids).toList();
    GenerationLimits limits = new GenerationLimits(12, new int[] {5, 9}, (p, tokens) -> false);
    for (KvCache.Type type : cacheTypes()) {
      List<int[]> alone = new ArrayList<>();
      try (LanguageModel model = open(tiny, SETTINGS.withCache(type))) {
        prompts.forEach(prompt -> alone.addAll(model.generate(List.of(prompt), limits)));
      }
      for (int most : new int[] {2, 16}) {
        ModelSettings settings = SETTINGS.withCache(type).withSequences(most);
        try (LanguageModel model = open(tiny, settings)) {
          assertThat(model.generate(prompts, limits)).usingRecursiveComparison().isEqualTo(alone);
        }
      }
    }
  }

  /** Places, turns of prompts, families of products on the processor: nothing changes a sample. */
  @Test
  void samplesAreTheSameInAnyBatch() {
    TinyModel tiny = TinyModel.read("llama");
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      prompts.add(Arrays.copyOf(new int[] {3 * i, i, 40 - i, i / 2}, 1 + i % 4));
    }
    GenerationLimits limits =
        new GenerationLimits(20, 6, new int[] {5, 9, 11}, LanguageModel.StopRule.NEVER);
    SamplingRule rule = new SamplingRule(1.3, 50, 0.98, 2);
    List<int[]> alone = new ArrayList<>();
    List<int[]> greedy;
    try (LanguageModel model = open(tiny, SETTINGS)) {
      for (int i = 0; i < prompts.size(); i++) {
        alone.addAll(
            model.generate(List.of(prompts.get(i)), limits, new Sampling(rule, 77, 100 + i)));
      }
      greedy = model.generate(prompts, limits);
      assertThat(model.generate(prompts, limits, new Sampling(rule, 78, 100)))
          .usingRecursiveComparison()
          .isNotEqualTo(alone);
    }
    for (int i = 0; i < prompts.size(); i++) {
      assertThat(Arrays.copyOf(alone.get(i), 2)).isEqualTo(Arrays.copyOf(greedy.get(i), 2));
      assertThat(Arrays.copyOf(alone.get(i), 6)).doesNotContain(5, 9, 11);
    }
    assertThat(alone.stream().mapToInt(tokens -> tokens.length).distinct().count())
        .isGreaterThan(1);
    // Without caches a pass reads whole continuations, of up to 24 tokens.
    int least = operators.keepsCaches() ? 16 : 24;
    for (int most : new int[] {1, 2, 5, 16}) {
      for (int batch : new int[] {least, 128}) {
        ModelSettings settings =
            ModelSettings.ofTokens(batch).withCache(KvCache.Type.FP32).withSequences(most);
        try (LanguageModel model = open(tiny, settings)) {
          assertThat(model.generate(prompts, limits, new Sampling(rule, 77, 100)))
              .usingRecursiveComparison()
              .isEqualTo(alone);
        }
      }
    }
  }

  @Test
  void placesAreWhatTheMemoryHolds() {
    assumeTrue(operators.keepsCaches(), "continuations are read again, nothing is kept");
    TinyModel tiny = TinyModel.read("llama");
    ModelSettings settings = SETTINGS.withSequences(64);
    long needed = residentBytes(tiny, settings);
    HeadShape heads = tiny.config().heads();
    long place = tiny.config().sizes().layers() * KvCache.bytes(KvCache.Type.FP32, heads, 1, 20);
    assertThat(place)
        .isEqualTo(
            tiny.config().sizes().layers() * 2L * 20 * heads.keyHeads() * heads.dimension() * 4);
    List<int[]> prompts = List.of(new int[] {1}, new int[] {2}, new int[] {3}, new int[] {4});
    GenerationLimits limits = new GenerationLimits(19, new int[0], LanguageModel.StopRule.NEVER);
    List<int[]> free;
    try (LanguageModel model = open(tiny, settings)) {
      assertThat(model.continuedAtATime(20)).isEqualTo(64);
      free = model.generate(prompts, limits);
    }
    try (LanguageModel model = open(tiny, settings.withMemory(needed + 3 * place))) {
      assertThat(model.continuedAtATime(20)).isEqualTo(3);
      assertThat(model.generate(prompts, limits)).usingRecursiveComparison().isEqualTo(free);
    }
    try (LanguageModel model = open(tiny, settings.withMemory(needed + place - 1))) {
      assertThat(model.continuedAtATime(20)).isZero();
      assertThatThrownBy(() -> model.generate(prompts, limits))
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("one sequence of 20 tokens")
          .hasMessageContaining("raise the limit of memory");
    }
  }

  @Test
  void aContinuationEndsWithItsEndTokenOrByItsText() {
    TinyModel tiny = TinyModel.read("llama");
    int[] all = tiny.continuation();
    try (LanguageModel model = open(tiny, SETTINGS)) {
      List<int[]> prompts = List.of(tiny.ids(), tiny.ids());
      int[] ended =
          model
              .generate(prompts, new GenerationLimits(8, new int[] {all[2]}, (p, tokens) -> false))
              .get(1);
      int end = indexOf(all, all[2]);
      assertThat(ended).isEqualTo(Arrays.copyOf(all, end + 1));
      List<int[]> stopped =
          model.generate(
              prompts,
              new GenerationLimits(8, new int[0], (p, tokens) -> p == 0 && tokens.length == 3));
      assertThat(stopped.get(0)).isEqualTo(Arrays.copyOf(all, 3));
      assertThat(stopped.get(1)).isEqualTo(all);
    }
  }

  private static int indexOf(int[] values, int wanted) {
    int at = 0;
    while (values[at] != wanted) {
      at++;
    }
    return at;
  }

  private static void assertSame(
      List<SequenceScore> found, Map<Integer, SequenceScore> alone, List<Integer> order) {
    for (int i = 0; i < order.size(); i++) {
      SequenceScore expected = alone.get(order.get(i));
      assertThat(found.get(i).logProbabilities()).isEqualTo(expected.logProbabilities());
      assertThat(found.get(i).greedy()).isEqualTo(expected.greedy());
    }
  }

  private static List<Integer> order(int count) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      order.add(i);
    }
    return order;
  }

  /**
   * Of 2 to 28 tokens; then three that begin alike, the second of them being what the others go on
   * from, and two that differ in the last token alone.
   */
  private static List<ScoredSequence> sequences() {
    List<ScoredSequence> all = new ArrayList<>();
    int[] lengths = {2, 28, 7, 17, 3, 16, 9};
    for (int length : lengths) {
      int[] ids = new int[length];
      for (int i = 0; i < length; i++) {
        ids[i] = (11 * length + 5 * i * i + i) % VOCABULARY;
      }
      all.add(new ScoredSequence(ids, 1 + length / 3));
    }
    int[] question = all.get(1).ids();
    all.add(answered(Arrays.copyOf(question, 13), 8, 3, 44));
    all.add(answered(Arrays.copyOf(question, 13), 9));
    all.add(answered(Arrays.copyOf(question, 13), 17, 60, 2, 31, 5));
    all.add(answered(Arrays.copyOf(question, 20), 1));
    all.add(answered(Arrays.copyOf(question, 20), 2));
    return all;
  }

  private static ScoredSequence answered(int[] question, int... answer) {
    int[] ids = Arrays.copyOf(question, question.length + answer.length);
    System.arraycopy(answer, 0, ids, question.length, answer.length);
    return new ScoredSequence(ids, question.length);
  }
}
