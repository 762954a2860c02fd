package org.sparkao.jobs.quantize.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * Who works on an output: a file in its work folder, written once.
 *
 * @param runId name of the run
 * @param fingerprint of the run
 * @param runStart when its first driver took the output, milliseconds since 1970
 * @param driver unique name of the driver
 * @param host its machine
 * @param pid its process there
 * @param processStart when that process began, milliseconds since 1970; tells a reused number
 * @param claimed when it took the output, milliseconds since 1970
 */
record Claim(
    String runId,
    String fingerprint,
    long runStart,
    String driver,
    String host,
    long pid,
    long processStart,
    long claimed) {
  /** A driver of another machine that was silent for longer is taken for dead. */
  static final Duration SILENCE = Duration.ofSeconds(60);

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * That a driver lives: a file that is written anew.
   *
   * @param driver whose
   * @param millis when, since 1970
   * @param released whether it has given up the output
   */
  record Beat(String driver, long millis, boolean released) {
    byte[] toJson() {
      return json(this);
    }

    /** Empty while it is being written. */
    static Optional<Beat> fromJson(byte[] json) {
      return parsed(json, Beat.class);
    }
  }

  /** The claim of this process. */
  static Claim ofThisProcess(String runId, String fingerprint, long runStart) {
    ProcessHandle self = ProcessHandle.current();
    return new Claim(
        runId,
        fingerprint,
        runStart,
        UUID.randomUUID().toString(),
        thisHost(),
        self.pid(),
        start(self).orElse(0L),
        System.currentTimeMillis());
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

  /** A sign of life of this claim's driver. */
  Beat beat(boolean released) {
    return new Beat(driver, System.currentTimeMillis(), released);
  }

  /**
   * Whether the driver still works on it.
   *
   * @param last its last sign of life, if it gave one after the claim
   */
  boolean alive(Optional<Beat> last) {
    Optional<Beat> own = last.filter(beat -> beat.driver().equals(driver));
    if (own.filter(Beat::released).isPresent()) {
      return false;
    }
    if (!host.equals(thisHost())) {
      long heard = own.map(Beat::millis).orElse(claimed);
      return System.currentTimeMillis() - heard < SILENCE.toMillis();
    }
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .filter(process -> start(process).orElse(0L) == processStart)
        .isPresent();
  }

  byte[] toJson() {
    return json(this);
  }

  /** Empty for what is no claim, or not yet a whole one. */
  static Optional<Claim> fromJson(byte[] json) {
    return parsed(json, Claim.class);
  }

  private static byte[] json(Object values) {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(values);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  private static <T> Optional<T> parsed(byte[] json, Class<T> type) {
    try {
      return Optional.of(JSON.readValue(json, type));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
