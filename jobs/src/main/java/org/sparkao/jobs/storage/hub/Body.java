package org.sparkao.jobs.storage.hub;

import java.util.Optional;
import java.util.function.Consumer;

/** Puts the bytes of one answer into a part of an array, until it is stopped. */
final class Body implements Consumer<Optional<byte[]>> {
  private final byte[] target;
  private final int begin;
  private final int end;
  private int at;
  private long skip;
  private boolean stopped;

  /** Bytes from {@code offset} on, at most {@code length}. */
  Body(byte[] target, int offset, int length) {
    this.target = target;
    this.begin = offset;
    this.end = offset + length;
    this.at = offset;
  }

  /** Passes over the first bytes of an answer that holds more than was asked for. */
  synchronized void skip(long bytes) {
    this.skip = bytes;
  }

  @Override
  public synchronized void accept(Optional<byte[]> part) {
    if (stopped || part.isEmpty()) {
      return;
    }
    byte[] bytes = part.orElseThrow();
    int from = (int) Math.min(skip, bytes.length);
    skip -= from;
    int count = Math.min(bytes.length - from, end - at);
    System.arraycopy(bytes, from, target, at, count);
    at += count;
  }

  /** Bytes that came. */
  synchronized int count() {
    return at - begin;
  }

  /** Bytes that are wanted. */
  int length() {
    return end - begin;
  }

  /** Nothing is taken from here on, so that the array may be used again. */
  synchronized void stop() {
    stopped = true;
  }
}
