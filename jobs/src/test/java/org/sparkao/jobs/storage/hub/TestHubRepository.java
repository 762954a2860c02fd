package org.sparkao.jobs.storage.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/** Reads of a hub that breaks, refuses and changes. What is expected are the files it serves. */
class TestHubRepository {
  private static final String LARGE = "model.safetensors";
  private static final String MAIN = "hf://org/model";
  private static final String PINNED = "hf://org/model@" + FakeHub.COMMIT;

  @TempDir private Path folder;
  private final byte[] large = new byte[1_000_000];
  private FakeHub hub;

  @BeforeEach
  void serve() throws IOException {
    new Random(5).nextBytes(large);
    Files.write(folder.resolve(LARGE), large);
    Files.writeString(folder.resolve("config.json"), "{\"a b\": 1}");
    Files.writeString(Files.createDirectories(folder.resolve("sub")).resolve("a b+c.txt"), "hello");
    hub = FakeHub.of(folder);
  }

  @AfterEach
  void stop() {
    hub.close();
  }

  private HubSettings settings(Optional<String> token) {
    return new HubSettings(URI.create(hub.endpoint()), token, Duration.ofMillis(2));
  }

  private HubRepository open(String uri) throws IOException {
    return HubRepository.open(HubAddress.of(uri), settings(Optional.of(FakeHub.TOKEN)));
  }

  private byte[] read(HubRepository from, String name, long position, int length)
      throws IOException {
    try (ByteSource source = from.open(from.file(name).orElseThrow())) {
      byte[] bytes = new byte[length];
      source.readFully(position, bytes, 0, length);
      return bytes;
    }
  }

  private List<FakeHub.Request> asked(boolean large) {
    return hub.requests().stream().filter(request -> request.large() == large).toList();
  }

  @Test
  void branchBecomesTheCommitItMeansNow() throws IOException {
    assertThat(open(MAIN).address()).hasToString(PINNED);
    assertThat(open(MAIN + "@main").address()).hasToString(PINNED);
    assertThat(open(MAIN).files())
        .extracting(HubFile::path, HubFile::size)
        .contains(tuple(LARGE, 1_000_000L), tuple("sub/a b+c.txt", 5L));
    int before = hub.requests().size();
    open(PINNED);
    assertThat(hub.requests()).as("a commit is listed once").hasSize(before);
  }

  @Test
  void rangesAreTheBytesOfTheFile() throws IOException {
    HubRepository model = open(MAIN);

    assertThat(read(model, LARGE, 123_456, 1000))
        .isEqualTo(Arrays.copyOfRange(large, 123_456, 124_456));
    assertThat(read(model, "sub/a b+c.txt", 0, 5)).asString().isEqualTo("hello");
    try (ByteSource source = model.open(model.file(LARGE).orElseThrow())) {
      byte[] whole = new byte[large.length];
      for (int at = 0; at < large.length; at += 5000) {
        source.readFully(at, whole, at, 5000);
      }
      assertThat(whole).isEqualTo(large);
      assertThatThrownBy(() -> source.readFully(999_999, whole, 0, 2))
          .isInstanceOf(QuantException.class)
          .hasMessage(PINNED + "/" + LARGE + ": ends at byte 1000000, before 1000001");
    }
    // Of 200 neighbouring reads most were answered from what was fetched ahead.
    assertThat(asked(true)).hasSizeLessThan(10);
  }

  @Test
  void brokenConnectionGoesOnAtTheMissingByte() throws IOException {
    HubRepository model = open(MAIN);
    hub.breakNext(3);

    assertThat(read(model, LARGE, 100, 270_000)).isEqualTo(Arrays.copyOfRange(large, 100, 270_100));

    // A third of what was left came each time.
    assertThat(asked(true))
        .extracting(FakeHub.Request::range)
        .containsExactly(
            "bytes=100-270099", "bytes=90100-270099", "bytes=150100-270099", "bytes=190100-270099");
  }

  @Test
  void serverThatNeverDeliversIsGivenUp() throws IOException {
    HubRepository model = open(MAIN);
    hub.breakNext(1000);

    assertThatThrownBy(() -> read(model, LARGE, 0, 2))
        .isInstanceOf(IOException.class)
        .hasMessage(PINNED + "/" + LARGE + ": given up after 8 attempts");
  }

  @Test
  void busyServerIsLeftAloneForAsLongAsItSays() throws IOException {
    hub.refuseNext(1);
    long begin = System.nanoTime();

    HubRepository model = open(MAIN);

    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(990));
    hub.refuseNext(1);
    assertThat(read(model, "config.json", 0, 10)).asString().isEqualTo("{\"a b\": 1}");
  }

  @Test
  void tokenGoesToTheHubAlone() throws IOException {
    read(open(MAIN), LARGE, 0, 100);

    assertThat(asked(false))
        .hasSize(2)
        .allSatisfy(
            request -> assertThat(request.authorization()).isEqualTo("Bearer " + FakeHub.TOKEN));
    assertThat(asked(true))
        .hasSize(1)
        .allSatisfy(request -> assertThat(request.authorization()).isNull());
  }

  @Test
  void addressThatExpiredIsAskedForAgain() throws IOException {
    HubRepository model = open(MAIN);
    try (ByteSource source = model.open(model.file(LARGE).orElseThrow())) {
      byte[] bytes = new byte[200];
      source.readFully(0, bytes, 0, 100);
      hub.expireNext(1);
      source.readFully(700_000, bytes, 100, 100);
      assertThat(Arrays.copyOfRange(bytes, 100, 200))
          .isEqualTo(Arrays.copyOfRange(large, 700_000, 700_100));
    }
    assertThat(asked(false)).hasSize(3);
  }

  @Test
  void otherBytesThanListedAreNoticed() throws IOException {
    HubRepository model = open(MAIN);
    hub.lengthen(1);
    assertThatThrownBy(() -> read(model, LARGE, 0, 100))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining(
            LARGE
                + ": has another length than listed, 1000000 bytes:"
                + " from byte 0 on came bytes 0-65535/1000001");
    hub.lengthen(0);
    hub.changeHash("f".repeat(64));
    assertThatThrownBy(() -> read(model, LARGE, 0, 100))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining(LARGE + ": was changed since it was listed: hash ffff");
  }

  @Test
  void refusalsSayTheWayOut() throws IOException {
    hub.gate();
    HubRepository model = HubRepository.open(HubAddress.of(MAIN), settings(Optional.empty()));
    String page = hub.endpoint() + "/org/model";
    assertThatThrownBy(() -> read(model, LARGE, 0, 100))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            PINNED
                + "/"
                + LARGE
                + ": is gated: accept its conditions at "
                + page
                + ", then set HF_TOKEN to a token of that user");
    assertThatThrownBy(
            () -> HubRepository.open(HubAddress.of("hf://org/else"), settings(Optional.empty())))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "hf://org/else@main: "
                + hub.endpoint()
                + "/org/else does not exist, or is private;"
                + " check the name, or set HF_TOKEN to a token that may read it");
    assertThatThrownBy(() -> open("hf://org/model@v2"))
        .isInstanceOf(QuantException.class)
        .hasMessage("hf://org/model@v2: " + page + " has no branch, tag or commit v2");
    assertThatThrownBy(() -> HubAddress.of("hf://model"))
        .hasMessageContaining("write hf://ORGANIZATION/NAME");
  }

  @Test
  void revisionsAndFoldersOfAddresses() {
    HubAddress request = HubAddress.of("hf://org/model@refs/pr/3/sub/folder/");
    assertThat(request).isEqualTo(new HubAddress("org/model", "refs/pr/3", "sub/folder"));
    assertThat(request.encodedRevision()).isEqualTo("refs%2Fpr%2F3");
    assertThat(HubAddress.of(request.toString())).isEqualTo(request);
    assertThat(HubAddress.of("hf://org/model@refs%2Fpr%2F3"))
        .isEqualTo(new HubAddress("org/model", "refs/pr/3", ""));
  }

  @Test
  void settingsStandBeforeTheEnvironment() throws IOException {
    Map<String, String> environment =
        Map.of("HF_TOKEN", " of the environment\n", "HF_ENDPOINT", "https://mirror.example/");
    Configuration hadoop = new Configuration(false);
    HubSettings settings = HubSettings.of(hadoop, environment);
    assertThat(settings.endpoint()).hasToString("https://mirror.example");
    assertThat(settings.token()).contains("of the environment");
    assertThat(settings.toString()).doesNotContain("of the environment");
    hadoop.set(HubSettings.TOKEN, "of a setting");
    assertThat(HubSettings.of(hadoop, environment).token()).contains("of a setting");
    assertThat(HubSettings.of(new Configuration(false), Map.of()).endpoint())
        .hasToString("https://huggingface.co");
  }
}
