package org.sparkao.datasets.task;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The form that hashes are taken of: JSON in UTF-8 without spaces, keys of objects in the order of
 * their UTF-16 units, no escapes but those that JSON demands (the short ones where there are, else
 * four upper-case hex digits). For text without rare control characters it is Python's {@code
 * json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=False)}.
 */
final class CanonicalJson {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS).build();

  private CanonicalJson() {}

  /**
   * SHA-256 in lower-case hex of the canonical form of a value made of JSON's types.
   *
   * @throws IllegalArgumentException if a text holds half a surrogate pair
   */
  static String sha256(Object value) {
    try {
      Object plain = MAPPER.convertValue(value, Object.class);
      // Jackson's own bytes have characters beyond the basic plane escaped.
      ByteBuffer canonical =
          StandardCharsets.UTF_8
              .newEncoder()
              .encode(CharBuffer.wrap(MAPPER.writeValueAsString(plain)));
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(canonical);
      return HexFormat.of().formatHex(digest.digest());
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("text with half a surrogate pair is no Unicode", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
