package org.sparkao.jobs.storage.hub;

import java.io.EOFException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * A file at the hub, read by ranges. What broke off goes on at the byte that is missing. Whoever
 * reads on where it stopped gets ever longer ranges, of which the rest is kept for the next call.
 */
final class HubSource implements ByteSource {
  private static final int FIRST_AHEAD = 64 << 10;
  private static final int MOST_AHEAD = 16 << 20;
  private static final int GROWTH = 4;

  /** Tags of other forms say nothing about the content. */
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

  private final HubClient client;
  private final HubAddress address;
  private final HubFile file;
  private final URI hub;

  /** Where the hub pointed to, for as long as that answers. */
  private Optional<URI> direct = Optional.empty();

  private byte[] kept = {};
  private long keptAt;
  private long next;
  private int ahead;

  HubSource(HubClient client, HubAddress address, HubFile file) {
    this.client = client;
    this.address = address;
    this.file = file;
    this.hub =
        client.uri(
            "/" + address.repository() + "/resolve/" + address.revision() + "/" + file.path(), "");
  }

  @Override
  public String location() {
    return address + "/" + file.path();
  }

  @Override
  public long size() {
    return file.size();
  }

  @Override
  public void readFully(long position, byte[] buffer, int offset, int length) throws IOException {
    if (position + length > file.size()) {
      throw new QuantException(
          location() + ": ends at byte " + file.size() + ", before " + (position + length));
    }
    int done = 0;
    while (done < length) {
      long at = position + done;
      boolean isKept = at >= keptAt && at < keptAt + kept.length;
      if (!isKept && length - done >= MOST_AHEAD) {
        read(at, buffer, offset + done, length - done);
        next = position + length;
        return;
      }
      if (!isKept) {
        fetch(at, length - done);
      }
      int from = (int) (at - keptAt);
      int count = Math.min(length - done, kept.length - from);
      System.arraycopy(kept, from, buffer, offset + done, count);
      done += count;
    }
  }

  /** Fetches a piece that begins at a byte. */
  private void fetch(long position, int wanted) throws IOException {
    ahead = position == next ? Math.min(MOST_AHEAD, Math.max(FIRST_AHEAD, ahead * GROWTH)) : 0;
    int length = (int) Math.min(file.size() - position, Math.max(wanted, ahead));
    byte[] piece = new byte[length];
    read(position, piece, 0, length);
    kept = piece;
    keptAt = position;
    next = position + length;
  }

  private void read(long position, byte[] buffer, int offset, int length) throws IOException {
    Attempts attempts = new Attempts(location(), client.settings().pause());
    int done = 0;
    while (done < length) {
      Body body = new Body(buffer, offset + done, length - done);
      IOException failure;
      try {
        request(position + done, body);
        failure = new EOFException("the connection ended early");
      } catch (IOException e) {
        failure = e;
      } finally {
        body.stop();
      }
      done += body.count();
      if (done < length) {
        attempts.failed(failure, body.count() > 0);
      }
    }
  }

  private void request(long position, Body body) throws IOException {
    Optional<String> range =
        Optional.of("bytes=" + position + "-" + (position + body.length() - 1));
    PieceReader reader = new PieceReader(position, body);
    if (direct.isPresent()) {
      HubClient.Answer answer = client.get(direct.orElseThrow(), range, reader);
      if (answer.isGood()) {
        return;
      }
      // Such addresses are good for a while; the hub gives another one.
      direct = Optional.empty();
    }
    HubClient.Answer answer = client.get(hub, range, reader);
    if (!answer.isGood()) {
      throw HubErrors.of(client.settings(), address, location(), answer);
    }
    direct = Optional.of(answer.from()).filter(from -> !client.isHub(from));
  }

  /** Takes the bytes of the right answer only. */
  private final class PieceReader implements HubClient.Reader {
    private final long position;
    private final Body body;

    PieceReader(long position, Body body) {
      this.position = position;
      this.body = body;
    }

    @Override
    public BodySubscriber<String> begin(URI from, ResponseInfo answer) {
      if (client.isHub(from) && answer.statusCode() < 400) {
        requireSameFile(answer.statusCode(), answer.headers());
      }
      if (answer.statusCode() == 206) {
        requireRange(answer.headers().firstValue("Content-Range").orElse("none"));
      } else if (answer.statusCode() == 200) {
        requireWhole(from, answer.headers());
        body.skip(position);
      } else {
        return BodySubscribers.ofString(StandardCharsets.UTF_8);
      }
      return BodySubscribers.mapping(BodySubscribers.ofByteArrayConsumer(body), nothing -> "");
    }

    @Override
    public int count() {
      return body.count();
    }

    private void requireRange(String range) {
      if (!range.matches("bytes " + position + "-\\d+/" + file.size())) {
        throw new QuantException(
            location()
                + ": has another length than listed, "
                + file.size()
                + " bytes: from byte "
                + position
                + " on came "
                + range);
      }
    }

    private void requireWhole(URI from, HttpHeaders headers) {
      long length = headers.firstValueAsLong("Content-Length").orElse(file.size());
      if (length != file.size()) {
        throw new QuantException(
            location() + ": " + length + " bytes came, " + file.size() + " are listed");
      }
      if (position + body.length() < file.size()) {
        throw new QuantException(
            location() + ": " + from.getHost() + " does not serve ranges of files");
      }
    }
  }

  /** The hub says what it points to, and with the bytes what they are. */
  private void requireSameFile(int status, HttpHeaders headers) {
    Optional<String> tag = headers.firstValue("X-Linked-ETag");
    if (tag.isEmpty() && status < 300) {
      tag = headers.firstValue("ETag");
    }
    Optional<String> hash =
        tag.map(text -> text.replaceFirst("^W/", "").replace("\"", ""))
            .filter(text -> HASH.matcher(text).matches());
    String commit = headers.firstValue("X-Repo-Commit").orElse(address.revision());
    if (!hash.orElse(file.hash()).equals(file.hash()) || !commit.equals(address.revision())) {
      throw new QuantException(
          location()
              + ": was changed since it was listed: hash "
              + hash.orElse("unknown")
              + " of commit "
              + commit
              + ", listed "
              + file.hash()
              + "; start again");
    }
  }

  @Override
  public void close() {
    kept = new byte[0];
  }
}
