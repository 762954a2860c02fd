package org.sparkao.jobs.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.Closeable;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * The contents of a checkpoint whose headers agree with each other and with the index. Keeps a
 * shard open from its first read on; for use by one thread.
 */
final class OpenedCheckpoint implements CheckpointContents, Closeable {

  private final Checkpoint checkpoint;
  private final CheckpointFiles files;
  private final Optional<IndexMetadata> index;
  private final Map<String, ByteSource> open = new HashMap<>();

  private OpenedCheckpoint(
      Checkpoint checkpoint, CheckpointFiles files, Optional<IndexMetadata> index) {
    this.checkpoint = checkpoint;
    this.files = files;
    this.index = index;
  }

  /** A folder. */
  static OpenedCheckpoint folder(CheckpointFiles files) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(files);
    String index = checkpoint.stem() + ".safetensors.index.json";
    boolean indexed = files.files().stream().anyMatch(file -> file.name().equals(index));
    return new OpenedCheckpoint(
        checkpoint, files, indexed ? Optional.of(readIndex(files, index)) : Optional.empty());
  }

  /** One file of a folder. */
  static OpenedCheckpoint file(CheckpointFiles files, String name) throws IOException {
    return new OpenedCheckpoint(Checkpoint.openFile(files, name), files, Optional.empty());
  }

  private static IndexMetadata readIndex(CheckpointFiles files, String name) throws IOException {
    try (ByteSource source = files.open(name)) {
      return IndexMetadata.read(new SourceStream(source));
    }
  }

  @Override
  public String location() {
    return checkpoint.location();
  }

  @Override
  public JsonNode config() {
    return checkpoint.config().orElse(MissingNode.getInstance());
  }

  @Override
  public Optional<IndexMetadata> index() {
    return index;
  }

  @Override
  public Map<String, String> metadata() {
    Map<String, String> all = new HashMap<>();
    checkpoint.shards().forEach(shard -> all.putAll(shard.header().metadata()));
    return all;
  }

  @Override
  public List<StoredTensor> tensors() {
    return checkpoint.tensors().stream().map(OpenedCheckpoint::stored).toList();
  }

  private static StoredTensor stored(CheckpointTensor tensor) {
    return new StoredTensor(
        tensor.entry().name(), tensor.entry().dtype(), tensor.entry().shape(), tensor.file());
  }

  @Override
  public byte[] read(StoredTensor tensor, long begin, int length) throws IOException {
    ByteSource source = open.get(tensor.file());
    if (source == null) {
      source = files.open(tensor.file());
      open.put(tensor.file(), source);
    }
    byte[] bytes = new byte[length];
    long tensorBegin = checkpoint.tensor(tensor.name()).orElseThrow().entry().begin();
    source.readFully(tensorBegin + begin, bytes, 0, length);
    return bytes;
  }

  @Override
  public void close() throws IOException {
    for (ByteSource source : open.values()) {
      source.close();
    }
  }
}
