package org.sparkao.jobs.storage.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A hub of one repository, {@code org/model}, and a second server that large files are fetched
 * from. Says what the real one says, as huggingface_hub (errors, headers) and its documentation of
 * the API have it.
 */
public final class FakeHub implements AutoCloseable {
  /** What {@code main} means. */
  public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  /** The only token that may read. */
  public static final String TOKEN = "hf_planted_token_of_a_user";

  private static final String LARGE = ".safetensors";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final HttpServer hub;
  private final HttpServer store;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Request> requests = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger broken = new AtomicInteger();
  private final AtomicInteger busy = new AtomicInteger();
  private final AtomicInteger expired = new AtomicInteger();
  private volatile boolean gated;
  private volatile Optional<String> etag = Optional.empty();
  private volatile long more;

  /**
   * What a server was asked.
   *
   * @param large whether it was the second one
   */
  public record Request(boolean large, String path, String range, String authorization) {}

  private FakeHub(Path folder) throws IOException {
    this.folder = folder;
    InetAddress here = InetAddress.getLoopbackAddress();
    this.hub = HttpServer.create(new InetSocketAddress(here, 0), 0);
    this.store = HttpServer.create(new InetSocketAddress(here, 0), 0);
    hub.createContext("/api/models/", exchange -> handle(exchange, this::describe));
    hub.createContext("/org/model/resolve/", exchange -> handle(exchange, this::resolve));
    store.createContext("/", exchange -> handle(exchange, this::store));
    for (HttpServer server : List.of(hub, store)) {
      server.setExecutor(threads);
      server.start();
    }
  }

  /** Serves the files of a folder. */
  public static FakeHub of(Path folder) throws IOException {
    return new FakeHub(folder);
  }

  /** Where it is. */
  public String endpoint() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  /** Everything that both servers were asked, in order. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  /** The next answers with bytes end after a third of them. */
  public void breakNext(int answers) {
    broken.set(answers);
  }

  /** The next answers are 429, to be tried again after a second. */
  public void refuseNext(int answers) {
    busy.set(answers);
  }

  /** The next addresses of the second server are not good any more. */
  public void expireNext(int answers) {
    expired.set(answers);
  }

  /** Files need a token. */
  public void gate() {
    gated = true;
  }

  /** The hub tells another hash from now on. */
  public void changeHash(String hash) {
    etag = Optional.of(hash);
  }

  /** The second server's files are longer than the hub said. */
  public void lengthen(long bytes) {
    more = bytes;
  }

  @FunctionalInterface
  private interface Handler {
    void handle(HttpExchange exchange) throws IOException;
  }

  private void handle(HttpExchange exchange, Handler handler) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    String token = exchange.getRequestHeaders().getFirst("Authorization");
    boolean large = exchange.getLocalAddress().equals(store.getAddress());
    requests.add(new Request(large, exchange.getRequestURI().getPath(), range, token));
    try (exchange) {
      if (busy.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        exchange.getResponseHeaders().set("Retry-After", "1");
        exchange.sendResponseHeaders(429, -1);
        return;
      }
      handler.handle(exchange);
    }
  }

  private void describe(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    if (!path.startsWith("/api/models/org/model/revision/")) {
      fail(exchange, 401, "RepoNotFound");
      return;
    }
    if (!List.of("main", COMMIT).contains(path.substring(path.lastIndexOf('/') + 1))) {
      fail(exchange, 404, "RevisionNotFound");
      return;
    }
    ObjectNode model = JSON.createObjectNode().put("id", "org/model").put("sha", COMMIT);
    ArrayNode siblings = model.putArray("siblings");
    try (Stream<Path> tree = Files.walk(folder)) {
      for (Path file : tree.filter(Files::isRegularFile).toList()) {
        String name = folder.relativize(file).toString();
        ObjectNode sibling = siblings.addObject().put("rfilename", name);
        sibling
            .put("size", Files.size(file))
            .put("blobId", hash("SHA-1", name.getBytes(StandardCharsets.UTF_8)));
        if (name.endsWith(LARGE)) {
          sibling.putObject("lfs").put("sha256", hash("SHA-256", Files.readAllBytes(file)));
        }
      }
    }
    byte[] text = JSON.writeValueAsBytes(model);
    exchange.sendResponseHeaders(200, text.length);
    exchange.getResponseBody().write(text);
  }

  private void resolve(HttpExchange exchange) throws IOException {
    String name =
        exchange.getRequestURI().getPath().substring(("/org/model/resolve/" + COMMIT).length() + 1);
    boolean known =
        ("Bearer " + TOKEN).equals(exchange.getRequestHeaders().getFirst("Authorization"));
    if (gated && !known) {
      fail(exchange, 401, "GatedRepo");
      return;
    }
    exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
    if (name.endsWith(LARGE)) {
      byte[] bytes = Files.readAllBytes(folder.resolve(name));
      String tag = etag.orElse(hash("SHA-256", bytes));
      exchange.getResponseHeaders().set("X-Linked-ETag", '"' + tag + '"');
      exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(bytes.length));
      exchange
          .getResponseHeaders()
          .set("Location", "http://127.0.0.1:" + store.getAddress().getPort() + "/" + name);
      exchange.sendResponseHeaders(302, -1);
      return;
    }
    exchange
        .getResponseHeaders()
        .set("ETag", "W/\"" + hash("SHA-1", name.getBytes(StandardCharsets.UTF_8)) + '"');
    send(exchange, Files.readAllBytes(folder.resolve(name)));
  }

  private void store(HttpExchange exchange) throws IOException {
    if (expired.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      exchange.sendResponseHeaders(403, -1);
      return;
    }
    byte[] file = Files.readAllBytes(Path.of(folder + exchange.getRequestURI().getPath()));
    send(exchange, Arrays.copyOf(file, (int) (file.length + more)));
  }

  private void send(HttpExchange exchange, byte[] file) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    String[] ends = range.substring("bytes=".length()).split("-");
    int begin = Integer.parseInt(ends[0]);
    int end = Math.min(file.length, Integer.parseInt(ends[1]) + 1);
    exchange
        .getResponseHeaders()
        .set("Content-Range", "bytes " + begin + "-" + (end - 1) + "/" + file.length);
    exchange.sendResponseHeaders(206, end - begin);
    int sent = end - begin;
    if (broken.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      sent /= 3;
    }
    OutputStream body = exchange.getResponseBody();
    body.write(file, begin, sent);
    body.flush();
  }

  private static void fail(HttpExchange exchange, int status, String code) throws IOException {
    exchange.getResponseHeaders().set("X-Error-Code", code);
    exchange.sendResponseHeaders(status, -1);
  }

  private static String hash(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Options of a command that reads from here. */
  public List<String> options() {
    return List.of(
        "--conf",
        "spark.hadoop.fs.hf.endpoint=" + endpoint(),
        "--conf",
        "spark.hadoop.fs.hf.token=" + TOKEN);
  }

  @Override
  public void close() {
    hub.stop(0);
    store.stop(0);
    threads.shutdownNow();
  }
}
