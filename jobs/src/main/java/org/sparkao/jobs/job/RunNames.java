package org.sparkao.jobs.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.UUID;

/** What a run calls itself. */
public final class RunNames {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

  private RunNames() {}

  /**
   * A new name, such as {@code quantize-20260131-120000-3f9a}.
   *
   * @param job the verb
   */
  public static String next(String job) {
    return job
        + "-"
        + LocalDateTime.now(ZoneOffset.UTC).format(TIME)
        + "-"
        + UUID.randomUUID().toString().substring(0, 4);
  }

  /** Lists and maps of texts as the tables have them. */
  public static String json(Object texts) {
    try {
      return new ObjectMapper().writeValueAsString(texts);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("lists and maps of texts", e);
    }
  }
}
