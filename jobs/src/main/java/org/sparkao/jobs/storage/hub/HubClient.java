package org.sparkao.jobs.storage.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.sparkao.quant.QuantException;

/** Sends requests to the hub and wherever it points. */
final class HubClient {
  private static final HttpClient HTTP =
      HttpClient.newBuilder()
          // Several connections are faster than one that all readers share.
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(20))
          .build();

  private static final Duration SILENCE = Duration.ofSeconds(60);
  private static final int MOST_REDIRECTS = 5;
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
  private static final Set<Integer> BUSY = Set.of(408, 425, 429, 500, 502, 503, 504);

  private final HubSettings settings;

  HubClient(HubSettings settings) {
    this.settings = settings;
  }

  /**
   * What came in the end.
   *
   * @param from who answered, after redirects
   * @param status of HTTP
   * @param headers of the answer
   * @param text of it; empty where the bytes went elsewhere
   */
  record Answer(URI from, int status, HttpHeaders headers, String text) {
    /** Whether it is what was asked for. */
    boolean isGood() {
      return status == 200 || status == 206;
    }
  }

  /** Takes answers. */
  interface Reader {
    /**
     * Looks at status and headers, and says what takes the bytes.
     *
     * @throws QuantException for an answer that is not to be used
     */
    BodySubscriber<String> begin(URI from, ResponseInfo answer);

    /** Bytes taken until now. */
    int count();
  }

  /** An address at the hub. */
  URI uri(String path, String query) {
    try {
      URI encoded = new URI(null, null, path, null);
      return URI.create(settings.endpoint() + encoded.getRawPath() + query);
    } catch (URISyntaxException e) {
      throw new QuantException(path + ": is no path at the hub: " + e.getMessage(), e);
    }
  }

  HubSettings settings() {
    return settings;
  }

  /** Whether an address is the hub's own: the token is for no other. */
  boolean isHub(URI uri) {
    return origin(uri).equals(origin(settings.endpoint()));
  }

  private static String origin(URI uri) {
    int standard = "https".equals(uri.getScheme()) ? 443 : 80;
    return uri.getScheme()
        + "://"
        + uri.getHost()
        + ":"
        + (uri.getPort() < 0 ? standard : uri.getPort());
  }

  /** A text, asked for again while the server is busy or connections break. */
  Answer text(URI uri, String what) throws IOException {
    Attempts attempts = new Attempts(what, settings.pause());
    while (true) {
      try {
        return get(uri, Optional.empty(), new TextReader());
      } catch (IOException e) {
        attempts.failed(e, false);
      }
    }
  }

  /** Takes a text. */
  private static final class TextReader implements Reader {
    @Override
    public BodySubscriber<String> begin(URI from, ResponseInfo answer) {
      return BodySubscribers.ofString(StandardCharsets.UTF_8);
    }

    @Override
    public int count() {
      return 0;
    }
  }

  /**
   * One attempt, through redirects.
   *
   * @param range value of the header of that name
   * @throws BusyException for a status that passes
   */
  Answer get(URI uri, Optional<String> range, Reader reader) throws IOException {
    URI at = uri;
    for (int i = 0; i <= MOST_REDIRECTS; i++) {
      HttpResponse<String> response = send(request(at, range), reader);
      Optional<String> next = response.headers().firstValue("Location");
      if (!REDIRECTS.contains(response.statusCode()) || next.isEmpty()) {
        Answer answer = new Answer(at, response.statusCode(), response.headers(), response.body());
        requireNotBusy(answer);
        return answer;
      }
      at = redirected(at, next.orElseThrow());
    }
    throw new IOException(origin(uri) + ": more than " + MOST_REDIRECTS + " redirects");
  }

  private static URI redirected(URI from, String location) throws IOException {
    try {
      URI to = from.resolve(location);
      boolean weaker = "https".equals(from.getScheme()) && !"https".equals(to.getScheme());
      if (weaker || to.getHost() == null) {
        throw new IOException(origin(from) + ": redirects out of HTTPS, or to no server");
      }
      return to;
    } catch (IllegalArgumentException e) {
      throw new IOException(origin(from) + ": redirects to no address", e);
    }
  }

  private HttpRequest request(URI uri, Optional<String> range) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).timeout(SILENCE).header("User-Agent", "sparkao");
    range.ifPresent(bytes -> request.header("Range", bytes));
    if (isHub(uri)) {
      settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
    }
    return request.build();
  }

  private static void requireNotBusy(Answer answer) throws BusyException {
    if (BUSY.contains(answer.status())) {
      throw new BusyException(
          answer.from().getHost() + " answers " + answer.status(),
          answer.headers().firstValue("Retry-After"));
    }
  }

  /** Waits as long as bytes come. */
  private static HttpResponse<String> send(HttpRequest request, Reader reader) throws IOException {
    CompletableFuture<HttpResponse<String>> answer =
        HTTP.sendAsync(request, info -> reader.begin(request.uri(), info));
    int before = reader.count();
    try {
      while (true) {
        try {
          return answer.get(SILENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          if (reader.count() == before) {
            throw new HttpTimeoutException(request.uri().getHost() + ": silent for " + SILENCE);
          }
          before = reader.count();
        }
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof QuantException refused) {
        throw refused;
      }
      Throwable cause = e.getCause();
      String said = Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getName());
      throw new IOException(request.uri().getHost() + ": " + said, cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(request.uri().getHost() + ": interrupted");
    } finally {
      answer.cancel(true);
    }
  }
}
