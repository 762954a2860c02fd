package org.sparkao.datasets.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Every text with ids of {@code golden/llama} and {@code golden/smollm2-135m-instruct}. */
final class TestGoldenTokens {
  private static final String LLAMA = "golden/llama/";
  private static final String SMOLLM2 = "golden/smollm2-135m-instruct/";

  @Test
  void idsOfSentencePiece() throws IOException {
    JsonNode rows = Shared.json(LLAMA + "tokenizer.json").get("rows");
    assertThat(rows).hasSize(50);
    try (Tokenizer tokenizer = Tokenizers.open(Shared.stories())) {
      for (JsonNode row : rows) {
        String text = row.get("text").textValue();
        int[] ids = Shared.ids(row.get("sentencepiece"));
        assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
        assertThat(tokenizer.decode(ids)).isEqualTo(row.get("sp_decode_of_sp_ids").textValue());
      }
    }
  }

  @Test
  void promptsAndContinuationsOfStories() throws IOException {
    JsonNode prompts = Shared.json(LLAMA + "llama.json").get("prompts");
    assertThat(prompts).isNotEmpty();
    try (Tokenizer tokenizer = Tokenizers.open(Shared.stories())) {
      for (JsonNode prompt : prompts) {
        String text = prompt.get("text").textValue();
        int[] ids = Shared.ids(prompt.get("input_ids"));
        assertThat(tokenizer.encodeWithSpecialTokens(text)).as(text).isEqualTo(ids);
        assertThat(tokenizer.decode(ids)).isEqualTo(text);
        assertThat(tokenizer.decode(Shared.ids(prompt.get("greedy_ids"))))
            .isEqualTo(prompt.get("greedy_text").textValue());
      }
    }
  }

  @Test
  void promptsAndContinuationsOfSmolLm2() throws IOException {
    JsonNode prompts = Shared.json(SMOLLM2 + "logits.json");
    assertThat(prompts).hasSize(4);
    try (Tokenizer tokenizer = Tokenizers.open(Shared.smolLm2())) {
      for (JsonNode prompt : prompts) {
        String text = prompt.get("prompt").textValue();
        int[] ids = Shared.ids(prompt.get("input_ids"));
        assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
        assertThat(tokenizer.decodeWithSpecialTokens(ids)).isEqualTo(text);
        assertThat(tokenizer.decodeWithSpecialTokens(Shared.ids(prompt.get("greedy_ids"))))
            .isEqualTo(prompt.get("greedy_text").textValue());
      }
    }
  }

  /** The first items of the tasks: their texts come back, and give the same ids again. */
  @Test
  void requestsOfTasks() throws IOException {
    JsonNode tasks = Shared.json(SMOLLM2 + "tokens.json");
    int requests = 0;
    try (Tokenizer tokenizer = Tokenizers.open(Shared.smolLm2())) {
      for (String task : List.of("hellaswag", "piqa", "lambada")) {
        for (JsonNode request : tasks.get(task)) {
          int[] context = Shared.ids(request.get("context"));
          int[] continuation = Shared.ids(request.get("continuation"));
          int[] all =
              IntStream.concat(Arrays.stream(context), Arrays.stream(continuation)).toArray();
          String text = tokenizer.decode(all);
          assertThat(tokenizer.encode(text)).as(text).isEqualTo(all);
          assertThat(tokenizer.encode(tokenizer.decode(context))).isEqualTo(context);
          requests++;
        }
      }
    }
    assertThat(requests).isEqualTo(84);
  }

  @Test
  void itemsOfPiqa() throws IOException {
    List<String> lines = Files.readAllLines(Shared.path("data/piqa/valid.jsonl"));
    try (Tokenizer tokenizer = Tokenizers.open(Shared.smolLm2())) {
      for (JsonNode request : Shared.json(SMOLLM2 + "tokens.json").get("piqa")) {
        JsonNode item = Shared.json(lines.get(request.get("item").intValue()).getBytes("UTF-8"));
        String solution = item.get("sol" + (request.get("choice").intValue() + 1)).textValue();
        String context = "Question: " + item.get("goal").textValue() + "\nAnswer:";
        int[] all = tokenizer.encode(context + " " + solution);
        int[] expected = Shared.ids(request.get("context"));
        assertThat(tokenizer.encode(context)).as(context).isEqualTo(expected);
        assertThat(Arrays.copyOfRange(all, expected.length, all.length))
            .isEqualTo(Shared.ids(request.get("continuation")));
      }
    }
  }

  /** The rows of the published data set are the lines; those of white space alone are empty. */
  @Test
  void beginningOfWikiText() throws IOException {
    int[] expected = Shared.tensor(SMOLLM2 + "evaluate.safetensors", "wikitext2-2048.token_ids");
    assertThat(expected).hasSize(8192);
    String text =
        Files.readString(Shared.path("data/wikitext2/wiki.test.raw"))
            .lines()
            .map(line -> line.isBlank() ? "" : line + "\n")
            .collect(Collectors.joining("\n\n"));
    try (Tokenizer tokenizer = Tokenizers.open(Shared.smolLm2())) {
      assertThat(tokenizer.encode(text)).startsWith(expected);
    }
  }
}
