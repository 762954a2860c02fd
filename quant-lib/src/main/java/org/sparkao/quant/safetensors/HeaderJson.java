package org.sparkao.quant.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.quant.QuantException;

/**
 * The JSON of one header, token by token: an object of tensors and at most one {@code
 * __metadata__}. Every count and length is bounded, whatever the file says.
 */
final class HeaderJson {
  static final String WAY_OUT = "copy or download the file again";

  private static final int MAX_TENSORS = 500_000;
  private static final int MAX_DIMENSIONS = 64;
  private static final String METADATA = "__metadata__";

  /** Names are not pooled: a header of colliding names must not slow the parser down. */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxDocumentLength(SafetensorsHeader.MAX_HEADER_BYTES)
                  .maxNestingDepth(8)
                  .maxNameLength(10_000)
                  .maxNumberLength(20)
                  .maxStringLength(20_000_000)
                  .build())
          .build();

  private final String location;
  private final long dataBegin;
  private final long size;
  private final Map<String, TensorEntry> entries = new LinkedHashMap<>();
  private Map<String, String> metadata;

  /** The tensor that is being read, for messages. */
  private String tensor;

  HeaderJson(String location, long dataBegin, long size) {
    this.location = location;
    this.dataBegin = dataBegin;
    this.size = size;
  }

  Collection<TensorEntry> entries() {
    return entries.values();
  }

  Map<String, String> metadata() {
    return metadata == null ? Map.of() : metadata;
  }

  /** Reads the stream to its end. */
  void parse(InputStream stream) throws IOException {
    InputStreamReader utf8 = new InputStreamReader(stream, StandardCharsets.UTF_8.newDecoder());
    try (JsonParser parser = JSON.createParser(utf8)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw refused("its header is not a JSON object");
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        member(parser, parser.currentName());
      }
      if (parser.nextToken() != null) {
        throw refused("its header goes on after the JSON object");
      }
    } catch (JsonProcessingException e) {
      String what = "is not the JSON of safetensors: " + e.getOriginalMessage();
      throw tensor == null ? refused("its header " + what) : refused(tensor, "its entry " + what);
    }
  }

  private void member(JsonParser parser, String name) throws IOException {
    parser.nextToken();
    if (name.equals(METADATA)) {
      if (metadata != null) {
        throw refused("its header has " + METADATA + " twice");
      }
      metadata = strings(parser);
      return;
    }
    if (entries.size() == MAX_TENSORS) {
      throw refused("its header lists more than " + MAX_TENSORS + " tensors");
    }
    tensor = name;
    if (entries.put(name, tensor(parser, name)) != null) {
      throw refused(name, "is listed twice");
    }
    tensor = null;
  }

  private Map<String, String> strings(JsonParser parser) throws IOException {
    if (!parser.hasToken(JsonToken.START_OBJECT)) {
      throw refused(METADATA + " is not an object of strings");
    }
    Map<String, String> strings = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw refused(METADATA + "." + shortened(key) + " is not a string");
      }
      if (strings.size() == MAX_TENSORS) {
        throw refused(METADATA + " holds more than " + MAX_TENSORS + " strings");
      }
      if (strings.put(key, parser.getText()) != null) {
        throw refused(METADATA + "." + shortened(key) + " is there twice");
      }
    }
    return strings;
  }

  private TensorEntry tensor(JsonParser parser, String name) throws IOException {
    if (!parser.hasToken(JsonToken.START_OBJECT)) {
      throw refused(name, "is not described by a JSON object");
    }
    DType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      parser.nextToken();
      boolean repeated;
      switch (key) {
        case "dtype" -> {
          repeated = dtype != null;
          dtype = dtype(parser, name);
        }
        case "shape" -> {
          repeated = shape != null;
          shape = sizes(parser, name, "shape");
        }
        case "data_offsets" -> {
          repeated = offsets != null;
          offsets = sizes(parser, name, "data_offsets");
        }
        default -> throw refused(name, "has the unknown field " + shortened(key));
      }
      if (repeated) {
        throw refused(name, "has the field " + key + " twice");
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw refused(name, "lacks one of dtype, shape, data_offsets");
    }
    return entry(name, dtype, shape, offsets);
  }

  private DType dtype(JsonParser parser, String name) throws IOException {
    if (!parser.hasToken(JsonToken.VALUE_STRING)) {
      throw refused(name, "has a dtype that is not a string");
    }
    String text = parser.getText();
    return DType.forName(text)
        .orElseThrow(
            () ->
                new QuantException(
                    shortened(name)
                        + " in "
                        + location
                        + ": dtype "
                        + shortened(text)
                        + " is unknown; known are "
                        + List.of(DType.values())
                        + "; convert the tensor to one of them, or download the file again"));
  }

  private List<Long> sizes(JsonParser parser, String name, String field) throws IOException {
    if (!parser.hasToken(JsonToken.START_ARRAY)) {
      throw refused(name, "has a " + field + " that is not an array");
    }
    List<Long> sizes = new ArrayList<>(2);
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (!parser.hasToken(JsonToken.VALUE_NUMBER_INT)) {
        throw refused(name, "has a " + field + " that holds something else than whole numbers");
      }
      if (sizes.size() == MAX_DIMENSIONS) {
        throw refused(name, "has a " + field + " of more than " + MAX_DIMENSIONS + " numbers");
      }
      if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
        throw refused(name, "has a number beyond 64 bits in its " + field);
      }
      long value = parser.getLongValue();
      if (value < 0) {
        throw refused(name, "has the negative number " + value + " in its " + field);
      }
      sizes.add(value);
    }
    return sizes;
  }

  private TensorEntry entry(String name, DType dtype, List<Long> shape, List<Long> offsets) {
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw refused(name, "has data_offsets " + offsets + ", not a begin and an end");
    }
    long begin = offsets.get(0);
    long end = offsets.get(1);
    if (end > size - dataBegin) {
      throw refused(
          name,
          "ends at byte "
              + end
              + " of the data, but the file holds only "
              + (size - dataBegin)
              + " bytes of data: it is truncated");
    }
    long bytes;
    try {
      bytes = dtype.bytes(TensorEntry.elements(shape));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw refused(name, "has shape " + shape + " of " + dtype + ": " + e.getMessage());
    }
    if (bytes != end - begin) {
      throw refused(
          name,
          "has shape "
              + shape
              + " of "
              + dtype
              + ", which is "
              + bytes
              + " bytes, but data_offsets "
              + offsets
              + " span "
              + (end - begin));
    }
    return new TensorEntry(name, dtype, shape, dataBegin + begin, dataBegin + end);
  }

  private QuantException refused(String what) {
    return new QuantException(location + ": " + what + "; " + WAY_OUT);
  }

  private QuantException refused(String name, String what) {
    return new QuantException(shortened(name) + " in " + location + ": " + what + "; " + WAY_OUT);
  }

  /** Names come from the file and may be long. */
  private static String shortened(String name) {
    return name.length() <= 200 ? name : name.substring(0, 200) + "...";
  }
}
