package org.sparkao.jobs.storage.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * A repository at one commit: its files never change. Listed by the hub's description of a
 * revision, whose {@code siblings} are all files with size and hash.
 */
public final class HubRepository {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Every task opens the same commit, and the hub counts requests. */
  private static final Map<String, HubRepository> KNOWN = new ConcurrentHashMap<>();

  private final HubClient client;
  private final HubAddress address;
  private final Map<String, HubFile> files;

  private HubRepository(HubClient client, HubAddress address, Map<String, HubFile> files) {
    this.client = client;
    this.address = address;
    this.files = files;
  }

  /**
   * Finds out which commit a revision means now, and lists its files.
   *
   * @throws QuantException when the hub does not show it, saying what helps
   */
  public static HubRepository open(HubAddress asked, HubSettings settings) throws IOException {
    HubAddress whole = new HubAddress(asked.repository(), asked.revision(), "");
    if (!whole.isCommit()) {
      HubRepository now = ask(whole, settings);
      KNOWN.putIfAbsent(key(now.address, settings), now);
      return now;
    }
    HubRepository known = KNOWN.get(key(whole, settings));
    if (known == null) {
      known = ask(whole, settings);
      KNOWN.put(key(whole, settings), known);
    }
    return known;
  }

  /** Another token may see other repositories. */
  private static String key(HubAddress address, HubSettings settings) {
    return settings.endpoint() + " " + address + " " + settings.token().hashCode();
  }

  private static HubRepository ask(HubAddress address, HubSettings settings) throws IOException {
    HubClient client = new HubClient(settings);
    String path = "/api/models/" + address.repository() + "/revision/";
    HubClient.Answer answer =
        client.text(
            client.uri(path, address.encodedRevision() + "?blobs=true"), address.toString());
    if (!answer.isGood()) {
      throw HubErrors.of(settings, address, address.toString(), answer);
    }
    try {
      JsonNode model = JSON.readTree(answer.text());
      HubAddress commit = address.at(model.path("sha").asText());
      Map<String, HubFile> files = new HashMap<>();
      for (JsonNode file : model.path("siblings")) {
        HubFile found = file(file);
        files.put(found.path(), found);
      }
      if (!commit.isCommit() || address.isCommit() && !commit.equals(address)) {
        throw new QuantException(
            address + ": " + settings.endpoint() + " does not say which commit that is");
      }
      return new HubRepository(client, commit, Map.copyOf(files));
    } catch (JsonProcessingException e) {
      throw new QuantException(
          address + ": " + settings.endpoint() + " answers no JSON; check HF_ENDPOINT", e);
    }
  }

  /** Large files have a hash of their content beside that of Git's pointer to it. */
  private static HubFile file(JsonNode file) {
    String path = file.path("rfilename").asText();
    JsonNode large = file.path("lfs");
    String hash = large.path("sha256").asText(file.path("blobId").asText());
    if (path.isEmpty() || !file.path("size").isIntegralNumber() || hash.isEmpty()) {
      throw new QuantException("the hub lists a file without name, size or hash: " + file);
    }
    return new HubFile(path, file.path("size").asLong(), hash);
  }

  /** Its address, with the commit as revision. */
  public HubAddress address() {
    return address;
  }

  /** All files, in no order. */
  public List<HubFile> files() {
    return new ArrayList<>(files.values());
  }

  /** One file. */
  public Optional<HubFile> file(String path) {
    return Optional.ofNullable(files.get(path));
  }

  /** Reads a file by ranges; the caller closes it. */
  public ByteSource open(HubFile file) {
    return new HubSource(client, address, file);
  }
}
