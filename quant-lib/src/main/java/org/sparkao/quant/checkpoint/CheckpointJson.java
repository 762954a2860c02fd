package org.sparkao.quant.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/** Reads the JSON files of a checkpoint, bounded in size, depth and lengths. */
final class CheckpointJson {
  private static final int MAX_CONFIG_BYTES = 16 << 20;
  private static final int MAX_INDEX_BYTES = 256 << 20;
  private static final int MAX_TENSORS = 4_000_000;

  /** A tree takes some hundred bytes a token. */
  private static final long MAX_CONFIG_TOKENS = 1_000_000;

  private static final JsonMapper MAPPER =
      new JsonMapper(factory(MAX_CONFIG_BYTES, MAX_CONFIG_TOKENS));
  private static final JsonFactory INDEX = factory(MAX_INDEX_BYTES, Long.MAX_VALUE);

  private CheckpointJson() {}

  private static JsonFactory factory(long maxDocumentLength, long maxTokens) {
    return JsonFactory.builder()
        .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
        .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxDocumentLength(maxDocumentLength)
                .maxTokenCount(maxTokens)
                .maxNestingDepth(64)
                .maxNameLength(10_000)
                .maxNumberLength(400)
                .maxStringLength(1_000_000)
                .build())
        .build();
  }

  /** A whole object, for files of a few megabytes at most. */
  static JsonNode object(ByteSource source) throws IOException {
    try (JsonParser parser = MAPPER.createParser(text(source, MAX_CONFIG_BYTES))) {
      JsonNode node = MAPPER.readTree(parser);
      if (node == null || !node.isObject() || parser.nextToken() != null) {
        throw refused(source, "is not one JSON object", null);
      }
      return node;
    } catch (JsonProcessingException e) {
      throw refused(source, "is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (CharacterCodingException e) {
      throw refused(source, "is not UTF-8", e);
    }
  }

  /** {@code weight_map} of an index: tensor to file. Names are not checked here. */
  static Map<String, String> weightMap(ByteSource source) throws IOException {
    Map<String, String> weightMap = null;
    try (JsonParser parser = INDEX.createParser(text(source, MAX_INDEX_BYTES))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw refused(source, "is not a JSON object", null);
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        boolean isMap = parser.currentName().equals("weight_map");
        parser.nextToken();
        if (isMap) {
          weightMap = strings(parser, source);
        } else {
          parser.skipChildren();
        }
      }
      if (parser.nextToken() != null) {
        throw refused(source, "goes on after the JSON object", null);
      }
    } catch (JsonProcessingException e) {
      throw refused(source, "is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (CharacterCodingException e) {
      throw refused(source, "is not UTF-8", e);
    }
    if (weightMap == null) {
      throw refused(source, "has no weight_map", null);
    }
    return weightMap;
  }

  private static Map<String, String> strings(JsonParser parser, ByteSource source)
      throws IOException {
    if (!parser.hasToken(JsonToken.START_OBJECT)) {
      throw refused(source, "has a weight_map that is not an object", null);
    }
    Map<String, String> strings = new HashMap<>();
    Map<String, String> files = new HashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String tensor = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw refused(source, "has a weight_map with no file name for " + tensor, null);
      }
      if (strings.size() == MAX_TENSORS) {
        throw refused(source, "lists more than " + MAX_TENSORS + " tensors", null);
      }
      String file = parser.getText();
      strings.put(tensor, files.computeIfAbsent(file, name -> name));
    }
    return strings;
  }

  private static Reader text(ByteSource source, int limit) throws IOException {
    long size = source.size();
    if (size > limit) {
      throw refused(source, "is " + size + " bytes long, more than the limit of " + limit, null);
    }
    byte[] bytes = new byte[(int) size];
    source.readFully(0, bytes, 0, bytes.length);
    return new InputStreamReader(
        new ByteArrayInputStream(bytes), StandardCharsets.UTF_8.newDecoder());
  }

  private static QuantException refused(ByteSource source, String what, Exception cause) {
    return new QuantException(
        source.location() + ": " + what + "; copy or download the file again", cause);
  }
}
