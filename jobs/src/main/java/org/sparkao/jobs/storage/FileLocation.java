package org.sparkao.jobs.storage;

/**
 * Where a file lies.
 *
 * @param folder URI or local path of its folder
 * @param name within it; empty for what ends with a slash
 */
public record FileLocation(String folder, String name) {
  /** The parts of a URI or local path. */
  public static FileLocation of(String uri) {
    int slash = uri.lastIndexOf('/');
    return new FileLocation(
        slash < 0 ? "." : uri.substring(0, Math.max(1, slash)), uri.substring(slash + 1));
  }
}
