package org.sparkao.quant.checkpoint;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;

/** Reads the headers of many shards at once: on object stores each costs a round trip. */
final class ShardHeaders {
  private static final int MAX_THREADS = 16;

  private ShardHeaders() {}

  /** In the order of {@code shards}; of several damaged files the first is reported. */
  static List<Shard> read(CheckpointFiles files, List<FileEntry> shards) throws IOException {
    ExecutorService pool = Executors.newFixedThreadPool(Math.min(MAX_THREADS, shards.size()));
    try {
      List<Future<Shard>> futures = new ArrayList<>(shards.size());
      for (FileEntry shard : shards) {
        futures.add(pool.submit(() -> read(files, shard)));
      }
      List<Shard> read = new ArrayList<>(shards.size());
      for (Future<Shard> future : futures) {
        read.add(await(future));
      }
      return read;
    } finally {
      pool.shutdownNow();
    }
  }

  private static Shard read(CheckpointFiles files, FileEntry shard) throws IOException {
    try (ByteSource source = files.open(shard.name())) {
      return new Shard(shard, SafetensorsHeader.read(source));
    }
  }

  private static Shard await(Future<Shard> future) throws IOException {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while headers were read");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IllegalStateException("reading a header", e.getCause());
    }
  }
}
