package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

class TestOwnership {
  private static final String PRINT = "f".repeat(64);
  private static final String CLAIM = "_sparkao/claim-000001.json";
  private static final Duration PATIENCE = Duration.ofMillis(1500);

  @TempDir private Path temp;
  private Folder output;
  private Path first;

  @BeforeEach
  void open() throws IOException {
    output = Storage.ofSettings(Map.of()).folder(temp.toString());
    first = temp.resolve(CLAIM);
    Files.createDirectories(first.getParent());
  }

  private Ownership take(Folder folder) throws IOException, InterruptedException {
    return Ownership.take(
        folder,
        PRINT,
        Optional.empty(),
        () -> "run-new",
        new Ownership.Pace(PATIENCE, Ownership.PACE.pause()));
  }

  /** Its heart beats fast. */
  private static Ownership takeLively(Folder folder) throws IOException, InterruptedException {
    return Ownership.take(
        folder,
        PRINT,
        Optional.empty(),
        () -> "run-new",
        new Ownership.Pace(PATIENCE, Duration.ofMillis(1)));
  }

  private static Claim mine(String runId) {
    return Claim.ofThisProcess(runId, PRINT, 5);
  }

  /** Of a driver on another machine that took the output long ago. */
  private static Claim elsewhere() {
    return new Claim("run-far", PRINT, 5, "driver-far", "no-such-host", 1, 1, 7);
  }

  private void beat(int file, long millis, boolean released) throws IOException {
    Files.write(
        temp.resolve("_sparkao/beat-driver-far-" + file + ".json"),
        new Claim.Beat("driver-far", millis, released).toJson());
  }

  @Test
  void ofTwoThatCreateTheSameClaimTheOneInTheFileOwns() {
    Folder store =
        (Folder)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Folder.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("create")) {
                    // As a store that is not exclusive: both are told that they created it.
                    output.replace((String) args[0], mine("run-other").toJson());
                    return true;
                  }
                  try {
                    return method.invoke(output, args);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    assertThatThrownBy(() -> take(store))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining(": run run-other is writing it now (process ")
        .hasMessageEndingWith("wait for its end, or choose another --output");
  }

  @Test
  void whoeverFindsAnotherDriverInItsClaimHasLost() throws Exception {
    Ownership ownership = take(output);
    ownership.beat();
    ownership.requireStillMine();
    Files.write(first, mine("run-new").toJson());
    assertThatThrownBy(ownership::requireStillMine)
        .isInstanceOf(Ownership.LostException.class)
        .hasMessage(temp + ": another driver has taken over run run-new");
    assertThatThrownBy(ownership::beat).isInstanceOf(Ownership.LostException.class);
  }

  @Test
  void claimIsNeverRewritten() throws Exception {
    try (Ownership ownership = take(output)) {
      byte[] written = Files.readAllBytes(first);
      ownership.beat();
      ownership.beat();
      ownership.beat();
      assertThat(Files.readAllBytes(first)).isEqualTo(written);
    }
    try (Ownership next = take(output)) {
      assertThat(next.resumed()).isTrue();
      assertThat(next.runId()).isEqualTo("run-new");
    }
  }

  @Test
  void claimThatIsBeingWrittenIsWaitedFor() throws Exception {
    Files.createFile(first);
    Thread writer =
        new Thread(
            () -> {
              try {
                Thread.sleep(300);
                Files.write(first, mine("run-slow").toJson());
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    writer.start();
    assertThatThrownBy(() -> take(output)).hasMessageContaining("run run-slow is writing it now");
    writer.join();
  }

  @Test
  void claimOfADriverThatDiedWritingItIsPassedOver() throws Exception {
    Files.write(first, elsewhere().toJson());
    Files.createFile(temp.resolve("_sparkao/claim-000002.json"));
    try (Ownership ownership = take(output)) {
      assertThat(ownership.runId()).isEqualTo("run-far");
      assertThat(temp.resolve("_sparkao/claim-000003.json")).exists();
    }
  }

  @Test
  void driverOfAnotherMachineLivesByItsBeats() throws Exception {
    Files.write(first, elsewhere().toJson());
    long now = System.currentTimeMillis();
    beat(0, now, false);
    Files.createFile(temp.resolve("_sparkao/beat-driver-far-1.json"));
    assertThatThrownBy(() -> take(output))
        .hasMessage(
            temp
                + ": run run-far is writing it now (process 1 on no-such-host); wait for its end,"
                + " or choose another --output");
    beat(1, now, true);
    try (Ownership ownership = take(output)) {
      assertThat(ownership.runId()).isEqualTo("run-far");
    }
  }

  @Test
  void silentDriverOfAnotherMachineIsSucceeded() throws Exception {
    Files.write(first, elsewhere().toJson());
    beat(0, System.currentTimeMillis() - Claim.SILENCE.toMillis() - 1000, false);
    try (Ownership ownership = take(output)) {
      assertThat(ownership.resumed()).isTrue();
    }
  }

  /** The claim as another machine sees it: there is nothing but beats to go by. */
  @Test
  void driverBeatsFromItsClaimToItsEndWhateverElseItDoes() throws Exception {
    for (boolean finished : new boolean[] {true, false}) {
      Ownership ownership = takeLively(output);
      String claimFile =
          "_sparkao/"
              + output.list("_sparkao").stream()
                  .filter(n -> n.startsWith("claim"))
                  .reduce((a, b) -> b)
                  .orElseThrow();
      Claim claim = Claim.fromJson(output.read(claimFile)).orElseThrow();
      Claim seen =
          new Claim(claim.runId(), PRINT, 5, claim.driver(), "no-such-host", 1, 1, claim.claimed());
      output.replace(claimFile, seen.toJson());
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (output.list("_sparkao").stream().filter(n -> n.startsWith("beat")).count() < 2) {
        assertThat(System.nanoTime()).as("no beat for a minute").isLessThan(end);
      }
      assertThat(Ownership.holder(output, PATIENCE))
          .contains("run run-new (process 1 on no-such-host)");
      if (finished) {
        ownership.finish();
        assertThat(temp.resolve("_sparkao")).doesNotExist();
      }
      ownership.close();
      assertThat(Ownership.holder(output, PATIENCE)).isEmpty();
    }
  }

  @Test
  void listenersAreToldThatTheOutputIsLost() throws Exception {
    Ownership ownership = takeLively(output);
    CompletableFuture<String> told = new CompletableFuture<>();
    ownership.whenLost(told::complete);
    output.replace(CLAIM, mine("run-new").toJson());
    String why = "heartbeat failed: " + temp + ": another driver has taken over run run-new";
    assertThat(told.get(1, TimeUnit.MINUTES)).isEqualTo(why);
    CompletableFuture<String> late = new CompletableFuture<>();
    ownership.whenLost(late::complete);
    assertThat(late).isCompletedWithValue(why);
    assertThat(ownership.isMine()).isFalse();
    ownership.close();
  }

  @Test
  void whoeverCannotSayThatItLivesMakesNothingFinal() throws Exception {
    Folder full =
        (Folder)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Folder.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("replace")) {
                    throw new IOException("disk is full");
                  }
                  return method.invoke(output, args);
                });
    Ownership ownership = takeLively(full);
    CompletableFuture<String> told = new CompletableFuture<>();
    ownership.whenLost(told::complete);
    assertThat(told.get(1, TimeUnit.MINUTES)).isEqualTo("heartbeat failed: disk is full");
    assertThat(ownership.isMine()).isTrue();
    assertThatThrownBy(ownership::requireStillMine)
        .isInstanceOf(IOException.class)
        .hasMessage(temp + ": heartbeat failed: disk is full");
  }
}
