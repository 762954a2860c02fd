package org.sparkao.datasets.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.datasets.DatasetException;

/**
 * Templates in the forms that models are published with (Llama 2, 3 and 3.1, Qwen2.5 and 3,
 * Mistral, Zephyr), and single rules of Jinja that Jinjava does not keep by itself. The prompts in
 * chat-templates.json were made by transformers' apply_chat_template; that of Mistral refuses
 * system messages, which were then left out, as in lm_eval 0.4.13.
 */
class TestChatTemplate {
  private static final String CONFIG =
      "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\"}%s}";

  @TempDir private Path folder;

  static Stream<JsonNode> cases() throws IOException {
    try (InputStream in = TestChatTemplate.class.getResourceAsStream("/chat-templates.json")) {
      return StreamSupport.stream(new ObjectMapper().readTree(in).spliterator(), false);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void promptIsThatOfTransformers(JsonNode expected) throws IOException {
    ChatTemplate template = template(expected.get("template").textValue());
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : expected.get("messages")) {
      messages.add(
          new ChatMessage(message.get("role").textValue(), message.get("content").textValue()));
    }
    assertThat(template.prompt(messages)).isEqualTo(expected.get("prompt").textValue());
  }

  private ChatTemplate template(String text) throws IOException {
    Files.writeString(folder.resolve("tokenizer_config.json"), String.format(CONFIG, ""));
    Files.writeString(folder.resolve("chat_template.jinja"), text);
    return ChatTemplate.open(folder);
  }

  @Test
  void configHoldsOneTemplateOrSeveral() throws IOException {
    List<ChatMessage> messages = List.of(new ChatMessage("user", "q"));
    Path config = folder.resolve("tokenizer_config.json");
    String one = "{{ bos_token + messages[0].content }}";
    Files.writeString(config, String.format(CONFIG, ", \"chat_template\": \"" + one + "\""));
    assertThat(ChatTemplate.open(folder).prompt(messages)).isEqualTo("<s>q");
    String several =
        ", \"chat_template\": [{\"name\": \"tool_use\", \"template\": \"no\"},"
            + "{\"name\": \"default\", \"template\": \"yes\"}]";
    Files.writeString(config, String.format(CONFIG, several));
    assertThat(ChatTemplate.open(folder).prompt(messages)).isEqualTo("yes");
  }

  @Test
  void absentTemplateIsRefused() {
    assertThatThrownBy(() -> ChatTemplate.open(folder))
        .isInstanceOf(DatasetException.class)
        .hasMessage(
            folder
                + ": neither chat_template.jinja nor chat_template in tokenizer_config.json is"
                + " there; leave --chat-template out, or copy the file from where the model was"
                + " published");
  }

  /** Where Jinjava would go on in silence, too. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for message in messages %}",
        "{{ raise_exception('no') }}",
        "{{ messages[0].content.rsplit('a') }}",
        "{{ messages[0].content",
        "{% for message in messages if message.role == 'user' %}x{% endfor %}"
      })
  void brokenTemplateNamesTheFile(String text) throws IOException {
    ChatTemplate broken = template(text);
    assertThatThrownBy(() -> broken.prompt(List.of(new ChatMessage("user", "q"))))
        .isInstanceOf(DatasetException.class)
        .hasMessageStartingWith(
            folder.resolve("chat_template.jinja") + ": the chat template cannot be applied (");
  }
}
