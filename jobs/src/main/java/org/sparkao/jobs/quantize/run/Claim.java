package org.sparkao.jobs.quantize.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.sparkao.quant.QuantException;

/**
 * Who works on an output: a file in its work folder.
 *
 * @param runId name of the run
 * @param fingerprint of the run
 * @param runStart when its first driver took the output, milliseconds since 1970
 * @param host machine of the driver
 * @param pid its process there
 * @param processStart when that process began, milliseconds since 1970; tells a reused number
 * @param heartbeat when the driver last said that it lives, milliseconds since 1970
 * @param released whether the driver has given up the output
 */
record Claim(
    String runId,
    String fingerprint,
    long runStart,
    String host,
    long pid,
    long processStart,
    long heartbeat,
    boolean released) {
  /** A driver of another machine that was silent for longer is taken for dead. */
  static final Duration SILENCE = Duration.ofSeconds(60);

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The claim of this process. */
  static Claim ofThisProcess(String runId, String fingerprint, long runStart) {
    ProcessHandle self = ProcessHandle.current();
    return new Claim(
        runId,
        fingerprint,
        runStart,
        thisHost(),
        self.pid(),
        start(self).orElse(0L),
        System.currentTimeMillis(),
        false);
  }

  private static Optional<Long> start(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli);
  }

  private static String thisHost() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  Claim beating() {
    return new Claim(
        runId,
        fingerprint,
        runStart,
        host,
        pid,
        processStart,
        System.currentTimeMillis(),
        released);
  }

  Claim givenUp() {
    return new Claim(runId, fingerprint, runStart, host, pid, processStart, heartbeat, true);
  }

  /** Whether the driver still works on it. */
  boolean alive() {
    if (released) {
      return false;
    }
    if (!host.equals(thisHost())) {
      return System.currentTimeMillis() - heartbeat < SILENCE.toMillis();
    }
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .filter(process -> start(process).orElse(0L) == processStart)
        .isPresent();
  }

  byte[] toJson() {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  static Claim fromJson(String location, byte[] json) {
    try {
      return JSON.readValue(json, Claim.class);
    } catch (IOException e) {
      throw new QuantException(
          location
              + ": not a claim of a run: "
              + new String(json, StandardCharsets.UTF_8)
              + "; delete the folder if no run is working on it",
          e);
    }
  }
}
