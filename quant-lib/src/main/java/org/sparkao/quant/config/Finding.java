package org.sparkao.quant.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Something about a checkpoint that a loader will stumble over.
 *
 * @param severity how bad it is
 * @param loaders whom it concerns, at least one
 * @param subject the tensor, module or config key, as the checkpoint names it
 * @param what what is wrong, with the values
 * @param wayOut what to do about it
 */
public record Finding(
    Severity severity, Set<Loader> loaders, String subject, String what, String wayOut) {

  /** Every part is given. */
  public Finding {
    Objects.requireNonNull(severity, "severity");
    Objects.requireNonNull(subject, "subject");
    Objects.requireNonNull(what, "what");
    Objects.requireNonNull(wayOut, "wayOut");
    loaders = Set.copyOf(loaders);
    if (loaders.isEmpty()) {
      throw new IllegalArgumentException(subject + ": a finding concerns nobody");
    }
  }

  /** An error for every loader. */
  public static Finding error(String subject, String what, String wayOut) {
    return new Finding(Severity.ERROR, Loader.all(), subject, what, wayOut);
  }

  /** An error for one loader. */
  public static Finding error(Loader loader, String subject, String what, String wayOut) {
    return new Finding(Severity.ERROR, Set.of(loader), subject, what, wayOut);
  }

  /** A warning for every loader. */
  public static Finding warning(String subject, String what, String wayOut) {
    return new Finding(Severity.WARNING, Loader.all(), subject, what, wayOut);
  }

  /** A warning for one loader. */
  public static Finding warning(Loader loader, String subject, String what, String wayOut) {
    return new Finding(Severity.WARNING, Set.of(loader), subject, what, wayOut);
  }

  /** Warnings of the fields of an object that no loader knows. */
  static List<Finding> unknownFields(String subject, JsonNode object, Set<String> known) {
    List<Finding> findings = new ArrayList<>();
    object
        .fieldNames()
        .forEachRemaining(
            field -> {
              if (!known.contains(field)) {
                findings.add(
                    warning(
                        subject,
                        "unknown field " + field,
                        "loaders ignore it; remove it or correct its name"));
              }
            });
    return findings;
  }
}
