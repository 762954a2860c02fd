package org.sparkao.jobs.storage.hub;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparkao.quant.QuantException;

/**
 * How the hub is reached.
 *
 * @param endpoint its address, without a slash at the end
 * @param token of the user, sent to the endpoint's host only
 * @param pause before the second attempt; doubles with every further one
 */
public record HubSettings(URI endpoint, Optional<String> token, Duration pause) {
  /** Hadoop's key of the token, which its credential providers may hold. */
  public static final String TOKEN = "fs.hf.token";

  /** Hadoop's key of the endpoint. */
  public static final String ENDPOINT = "fs.hf.endpoint";

  /** Variables of the environment that say the same, as other programs read them. */
  public static final Map<String, String> VARIABLES =
      Map.of(TOKEN, "HF_TOKEN", ENDPOINT, "HF_ENDPOINT");

  private static final String PUBLIC = "https://huggingface.co";
  private static final Duration PAUSE = Duration.ofMillis(500);

  /** What Hadoop's settings say, its credential providers, or the environment; in this order. */
  public static HubSettings of(Configuration configuration, Map<String, String> environment)
      throws IOException {
    char[] stored = configuration.getPassword(TOKEN);
    Optional<String> token =
        Optional.ofNullable(stored)
            .map(String::new)
            .or(() -> Optional.ofNullable(environment.get(VARIABLES.get(TOKEN))))
            .map(String::strip)
            .filter(text -> !text.isEmpty());
    String endpoint =
        Optional.ofNullable(configuration.get(ENDPOINT))
            .or(() -> Optional.ofNullable(environment.get(VARIABLES.get(ENDPOINT))))
            .filter(text -> !text.isBlank())
            .orElse(PUBLIC);
    return new HubSettings(uri(endpoint.strip().replaceFirst("/+$", "")), token, PAUSE);
  }

  private static URI uri(String endpoint) {
    if (!endpoint.matches("https?://[^/@\\s]+(/\\S*)?")) {
      throw new QuantException(
          "HF_ENDPOINT (" + ENDPOINT + ") is no address of a server; write https://HOST");
    }
    return URI.create(endpoint);
  }

  /** Without the token. */
  @Override
  public String toString() {
    return endpoint + (token.isPresent() ? " with a token" : "");
  }
}
