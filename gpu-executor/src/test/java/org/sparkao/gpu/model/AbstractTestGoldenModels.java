package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.LanguageModel.SequenceScore;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.LocalFiles;

/** Real models in fp32 against what transformers computes, see {@code golden/README.md} there. */
abstract class AbstractTestGoldenModels {
  /** Of a logit; other orders of sums move them by 2e-5. */
  private static final float LOGITS = 2e-4f;

  private ModelOperators operators;

  /** In fp32. */
  abstract ModelOperators open();

  @BeforeEach
  void begin() {
    assumeTrue(GoldenFile.shared("golden").isPresent(), "no ../shared");
    operators = open();
  }

  @AfterEach
  void end() {
    if (operators != null) {
      operators.close();
      operators.device().close();
    }
  }

  @Test
  void storiesScores() throws IOException {
    GoldenFile golden = llama("llama.safetensors");
    JsonNode prompts = json(shared("golden/llama").resolve("llama.json")).get("prompts");
    try (LanguageModel model = stories()) {
      List<ScoredSequence> batch = new ArrayList<>();
      prompts.forEach(prompt -> batch.add(extended(ids(prompt.get("input_ids")))));
      Map<String, float[]> logits = new TreeMap<>();
      List<SequenceScore> scores =
          model.score(batch, (s, p, values) -> logits.put(s + " " + (p - 1), values.clone()));
      for (int i = 0; i < batch.size(); i++) {
        int length = batch.get(i).ids().length - 1;
        float[] expected = golden.floats("prompt" + i + ".logits");
        for (int position = 0; position < length; position++) {
          int first = position * 512;
          assertClose(
              "logits of prompt " + i + ", token " + position,
              logits.get(i + " " + position),
              Arrays.copyOfRange(expected, first, first + 512),
              LOGITS);
        }
        assertClose(
            "log-likelihoods of prompt " + i,
            Arrays.copyOf(scores.get(i).logProbabilities(), length - 1),
            golden.floats("prompt" + i + ".token_loglik"),
            LOGITS);
      }
    }
  }

  @Test
  void storiesHiddenStates() throws IOException {
    GoldenFile golden = llama("llama.safetensors");
    CheckpointFiles files = LocalFiles.of(shared("models/stories260k"));
    ModelConfig config =
        ModelConfigs.parse(SharedModels.checkpoint(files).config().orElseThrow(), "config.json");
    ModelWeights weights =
        ModelWeights.of(config, WeightLookups.of(SharedModels.checkpoint(files), files));
    PackedTokens tokens = PackedTokens.of(List.of(golden.ints("prompt0.input_ids")), new int[1]);
    operators.reserve(16, 16);
    PassMemory.Sizes sizes = PassMemory.Sizes.of(config, 16, operators);
    try (PassMemory memory = new PassMemory(operators.device(), sizes);
        RotaryTables rotation =
            RotaryTables.load(operators.device(), config.rope(), config.heads().dimension(), 16);
        ModelBlocks blocks = new ResidentBlocks(new BlockLoader(operators, config, weights))) {
      blocks.embedding(table -> PrefillPass.embed(tokens, memory, operators, table));
      assertHidden(memory, golden, "embed");
      Pass pass = PrefillPass.begin(tokens, memory, rotation.table());
      blocks.layers(
          (index, layer) -> {
            layer.run(pass, memory, Optional.empty());
            assertHidden(memory, golden, "after_layer" + index);
          });
    }
  }

  private static void assertHidden(PassMemory memory, GoldenFile golden, String name) {
    float[] expected = golden.floats("prompt0.hidden." + name);
    float[] found = DeviceInts.readFloats(memory.hidden(), 0, expected.length);
    assertClose("hidden states, " + name, found, expected, LOGITS);
  }

  @Test
  void storiesContinue() throws IOException {
    JsonNode prompts = json(shared("golden/llama").resolve("llama.json")).get("prompts");
    try (LanguageModel model = stories()) {
      assertContinuations(model, prompts, 32, new int[0]);
    }
  }

  /** A real model: minutes of the plain reference, so that not every device is asked. */
  final void assertSmolLm2() throws IOException, InterruptedException {
    Path folder = shared("golden/smollm2-135m-instruct");
    GoldenFile golden = GoldenFile.read(folder.resolve("logits.safetensors"));
    JsonNode prompts = json(folder.resolve("logits.json"));
    ModelSettings settings =
        ModelSettings.ofTokens(128).withLongest(256).withCache(KvCache.Type.FP32);
    try (LanguageModel model = SharedModels.open(SharedModels.smolLm2(), operators, settings)) {
      List<ScoredSequence> batch = new ArrayList<>();
      prompts.forEach(prompt -> batch.add(extended(ids(prompt.get("input_ids")))));
      Map<String, float[]> logits = new TreeMap<>();
      List<SequenceScore> scores =
          model.score(batch, (s, p, values) -> logits.put(s + " " + (p - 1), values.clone()));
      for (int i = 0; i < batch.size(); i++) {
        int length = batch.get(i).ids().length - 1;
        float[] expected = golden.floats("prompt" + i + ".logits_last4");
        int vocabulary = expected.length / 4;
        for (int last = 0; last < 4; last++) {
          assertClose(
              "logits of prompt " + i + ", " + last,
              logits.get(i + " " + (length - 4 + last)),
              Arrays.copyOfRange(expected, last * vocabulary, (last + 1) * vocabulary),
              LOGITS);
        }
        assertClose(
            "log-likelihoods of prompt " + i,
            Arrays.copyOf(scores.get(i).logProbabilities(), length - 1),
            golden.floats("prompt" + i + ".token_loglikelihood"),
            LOGITS);
      }
      assertContinuations(model, prompts, 48, new int[] {2});
    }
  }

  private void assertContinuations(LanguageModel model, JsonNode prompts, int tokens, int[] ends) {
    List<int[]> all = new ArrayList<>();
    prompts.forEach(prompt -> all.add(ids(prompt.get("input_ids"))));
    GenerationLimits limits = new GenerationLimits(tokens, ends, (prompt, so) -> false);
    List<int[]> found = model.generate(all, limits);
    for (int i = 0; i < all.size(); i++) {
      assertThat(found.get(i))
          .as("continuation of prompt " + i)
          .isEqualTo(ids(prompts.get(i).get("greedy_ids")));
    }
  }

  private LanguageModel stories() {
    return SharedModels.open(
        shared("models/stories260k"),
        operators,
        ModelSettings.ofTokens(128).withCache(KvCache.Type.FP32));
  }

  /** One token more, so that the logits of the last one are reported too. */
  private static ScoredSequence extended(int[] ids) {
    return new ScoredSequence(Arrays.copyOf(ids, ids.length + 1), 1);
  }

  private static void assertClose(String what, float[] found, float[] expected, float bound) {
    assertThat(found).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      if (!(Math.abs(found[i] - expected[i]) <= bound)) {
        assertThat(found[i]).as(what + " [" + i + "]").isEqualTo(expected[i]);
      }
    }
  }

  private static GoldenFile llama(String name) {
    return GoldenFile.read(shared("golden/llama").resolve(name));
  }

  private static Path shared(String folder) {
    return GoldenFile.shared(folder).orElseThrow();
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
  }

  private static int[] ids(JsonNode node) {
    return StreamSupport.stream(node.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
  }
}
