package org.sparkao.jobs.storage.hub;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkao.quant.QuantException;

/**
 * A folder of a repository: {@code hf://ORGANIZATION/NAME@REVISION/FOLDER}.
 *
 * @param repository organization and name
 * @param revision branch, tag or commit
 * @param folder within the repository, without slashes at its ends; empty for all of it
 */
public record HubAddress(String repository, String revision, String folder) {
  private static final String SCHEME = "hf:";
  private static final String DEFAULT_REVISION = "main";
  private static final Pattern FORM =
      Pattern.compile(
          "hf://([\\w.-]+/[\\w.-]+)(?:@((?:refs/[^/@]+/)?[^/@]+))?(?:/+(.*?))?/*",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /** Whether a URI means the hub. */
  public static boolean isHub(String uri) {
    return uri.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
  }

  /**
   * Reads a URI; without a revision {@code main} is meant.
   *
   * @throws QuantException when it has another form
   */
  public static HubAddress of(String uri) {
    Matcher parts = FORM.matcher(uri);
    if (!parts.matches()) {
      throw new QuantException(
          uri + ": write hf://ORGANIZATION/NAME or hf://ORGANIZATION/NAME@REVISION");
    }
    String revision = parts.group(2) == null ? DEFAULT_REVISION : parts.group(2);
    String folder = parts.group(3) == null ? "" : parts.group(3);
    return new HubAddress(
        parts.group(1), URLDecoder.decode(revision, StandardCharsets.UTF_8), folder);
  }

  /** The same at a commit. */
  HubAddress at(String commit) {
    return new HubAddress(repository, commit, folder);
  }

  /** Whether the revision is a commit, whose files never change. */
  boolean isCommit() {
    return COMMIT.matcher(revision).matches();
  }

  /** The revision as one part of a path. */
  String encodedRevision() {
    return URLEncoder.encode(revision, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** As a user writes it. */
  @Override
  public String toString() {
    return "hf://"
        + repository
        + "@"
        + (revision.startsWith("refs/") ? revision : encodedRevision())
        + (folder.isEmpty() ? "" : "/" + folder);
  }
}
