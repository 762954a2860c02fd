package org.sparkao.datasets.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jinjava.javax.el.CompositeELResolver;
import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/**
 * Makes the prompt of a conversation in a model's form: the Jinja template beside its tokenizer, as
 * transformers' {@code apply_chat_template} with {@code add_generation_prompt}. Immutable.
 */
public final class ChatTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String KEY = "chat_template";

  /** Where Jinjava differs from Jinja for the sake of older users of it. */
  private static final LegacyOverrides AS_JINJA =
      LegacyOverrides.newBuilder()
          .withParseWhitespaceControlStrictly(true)
          .withUseTrimmingForNotesAndExpressions(true)
          .withUseNaturalOperatorPrecedence(true)
          .withEvaluateMapKeys(true)
          .withAllowAdjacentTextNodes(true)
          .withKeepNullableLoopValues(true)
          .build();

  /** Python's methods before Jinjava's. */
  private static final CompositeELResolver METHODS = new CompositeELResolver();

  static {
    METHODS.add(new PythonStrings());
    METHODS.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_WRITE);
  }

  private final String origin;
  private final String template;
  private final Map<String, String> tokens;

  private ChatTemplate(String origin, String template, Map<String, String> tokens) {
    this.origin = origin;
    this.template = template;
    this.tokens = Map.copyOf(tokens);
  }

  /**
   * Reads the template in a checkpoint's folder: {@code chat_template.jinja}, else {@code
   * chat_template} of {@code tokenizer_config.json}, of several the one named {@code default}.
   *
   * @throws DatasetException if there is none
   */
  public static ChatTemplate open(Path folder) {
    JsonNode config = TokenizerSettings.read(folder.resolve(CONFIG));
    Map<String, String> tokens = new HashMap<>();
    for (String key : List.of("bos_token", "eos_token", "pad_token", "unk_token")) {
      JsonNode token = config.path(key);
      String text = token.isObject() ? token.path("content").asText() : token.asText("");
      if (!text.isEmpty()) {
        tokens.put(key, text);
      }
    }
    Path file = folder.resolve(FILE);
    try {
      if (Files.exists(file)) {
        return new ChatTemplate(file.toString(), Files.readString(file), tokens);
      }
    } catch (IOException e) {
      throw new DatasetException(
          DatasetErrors.brokenChatTemplate(file, TokenizerSettings.firstLine(e)), e);
    }
    JsonNode template = config.path(KEY);
    for (JsonNode named : template.isArray() ? template : List.<JsonNode>of()) {
      if (named.path("name").asText().equals("default")) {
        template = named.path("template");
      }
    }
    if (!template.isTextual()) {
      throw new DatasetException(DatasetErrors.noChatTemplate(folder));
    }
    return new ChatTemplate(folder.resolve(CONFIG).toString(), template.textValue(), tokens);
  }

  /**
   * The prompt of a conversation, up to where the model's turn begins. A template that refuses a
   * conversation with system messages gets it without them, as in the harness.
   *
   * @throws DatasetException if the template refuses the conversation or cannot be read
   */
  public String prompt(List<ChatMessage> messages) {
    List<ChatMessage> others =
        messages.stream().filter(message -> !message.role().equals("system")).toList();
    String text;
    try {
      text = JinjaText.forJinjava(template);
    } catch (IllegalArgumentException e) {
      throw new DatasetException(DatasetErrors.brokenChatTemplate(origin, e.getMessage()), e);
    }
    RenderResult result = rendered(text, messages);
    if (result.hasErrors() && others.size() < messages.size()) {
      result = rendered(text, others);
    }
    if (result.hasErrors()) {
      throw new DatasetException(
          DatasetErrors.brokenChatTemplate(origin, result.getErrors().get(0).getMessage()));
    }
    return result.getOutput();
  }

  private RenderResult rendered(String text, List<ChatMessage> messages) {
    Map<String, Object> context = new HashMap<>(tokens);
    context.put(
        "messages",
        messages.stream()
            .map(message -> Map.of("role", message.role(), "content", message.content()))
            .toList());
    context.put("add_generation_prompt", true);
    JinjavaConfig config =
        JinjavaConfig.newBuilder()
            .withElResolver(METHODS)
            .withNestedInterpretationEnabled(false)
            .withLegacyOverrides(AS_JINJA)
            .build();
    Jinjava jinjava = new Jinjava(config);
    jinjava
        .getGlobalContext()
        .registerFunction(
            new ELFunctionDefinition(
                "", "raise_exception", ChatTemplate.class, "refuse", String.class));
    return jinjava.renderForResult(text, context);
  }

  /**
   * The function {@code raise_exception} of templates; public because Jinjava calls it.
   *
   * @throws IllegalArgumentException always
   */
  public static String refuse(String reason) {
    throw new IllegalArgumentException(reason);
  }
}
