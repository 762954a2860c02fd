package org.sparkao.quant.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.TensorEntry;

/**
 * A checkpoint, known from its headers alone: no weight has been read. Tensors, index and files
 * agree with each other. Immutable.
 */
public final class Checkpoint {
  private final String location;
  private final List<Shard> shards;
  private final Optional<JsonNode> config;
  private final List<FileEntry> sideFiles;
  private final List<SkippedFile> skipped;
  private final String fingerprint;
  private final List<CheckpointTensor> tensors;
  private final Map<String, CheckpointTensor> byName;

  Checkpoint(String location, List<Shard> shards, FolderContent content, String fingerprint) {
    this.location = location;
    this.shards = List.copyOf(shards);
    this.config = content.config();
    this.sideFiles = content.sideFiles();
    this.skipped = content.skipped();
    this.fingerprint = fingerprint;
    List<CheckpointTensor> inFileOrder = new ArrayList<>();
    for (Shard shard : shards) {
      for (TensorEntry entry : shard.header().entries()) {
        if (!CheckpointNames.isTensorName(entry.name())) {
          throw new QuantException(
              CheckpointNames.printable(entry.name())
                  + " in "
                  + location
                  + "/"
                  + shard.file().name()
                  + ": is no name for a tensor (empty, a path out of its folder, or with control"
                  + " characters); do not use this file");
        }
        inFileOrder.add(new CheckpointTensor(shard.file().name(), entry));
      }
    }
    this.tensors = List.copyOf(inFileOrder);
    this.byName = new HashMap<>(2 * tensors.size());
    for (CheckpointTensor tensor : tensors) {
      CheckpointTensor other = byName.put(tensor.entry().name(), tensor);
      if (other != null) {
        throw new QuantException(
            tensor.entry().name()
                + " in "
                + location
                + ": is in both "
                + other.file()
                + " and "
                + tensor.file()
                + "; keep the shards of one checkpoint only");
      }
    }
  }

  /**
   * Opens a folder: one with {@code model.safetensors.index.json} and the shards that it names, or
   * one with a single safetensors file. Reads headers, index and {@code config.json}.
   *
   * @throws QuantException when files are missing, damaged or disagree
   */
  public static Checkpoint open(CheckpointFiles files) throws IOException {
    return new CheckpointOpener(files).folder();
  }

  /**
   * Opens one safetensors file of a folder, with the {@code config.json} beside it if there is one.
   * Nothing else in the folder counts.
   *
   * @param name of the file within the folder
   * @throws QuantException when the file is missing or damaged
   */
  public static Checkpoint openFile(CheckpointFiles files, String name) throws IOException {
    return new CheckpointOpener(files).file(name);
  }

  /** The folder, as a user would name it. */
  public String location() {
    return location;
  }

  /** The safetensors files, sorted by name. */
  public List<Shard> shards() {
    return shards;
  }

  /**
   * What names of its safetensors files begin with: {@code diffusion_pytorch_model} for a component
   * of a pipeline of diffusers, else {@code model}.
   */
  public String stem() {
    return shards.get(0).file().name().startsWith(CheckpointNames.DIFFUSERS)
        ? CheckpointNames.DIFFUSERS
        : CheckpointNames.TRANSFORMERS;
  }

  /** All tensors: shard by shard, in the order of their bytes. */
  public List<CheckpointTensor> tensors() {
    return tensors;
  }

  /** The tensor of this name. */
  public Optional<CheckpointTensor> tensor(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /** {@code config.json}, an object; shared, not to be changed. Empty for a bare file. */
  public Optional<JsonNode> config() {
    return config;
  }

  /**
   * What {@code tie_word_embeddings} says, at the top of the config or in its {@code text_config}.
   */
  public Optional<Boolean> tieWordEmbeddings() {
    return config
        .map(
            node ->
                node.has("tie_word_embeddings")
                    ? node.path("tie_word_embeddings")
                    : node.path("text_config").path("tie_word_embeddings"))
        .filter(JsonNode::isBoolean)
        .map(JsonNode::booleanValue);
  }

  /**
   * What the config says about its quantization: {@code quantization_config}, or {@code
   * compression_config} as it was called, at the top or in {@code text_config}.
   */
  public Optional<JsonNode> quantizationConfig() {
    JsonNode root = config.orElse(MissingNode.getInstance());
    return Stream.of(root, root.path("text_config"))
        .flatMap(
            owner ->
                Stream.of("quantization_config", "compression_config").map(key -> owner.path(key)))
        .filter(node -> !node.isMissingNode() && !node.isNull())
        .findFirst();
  }

  /**
   * The file in which ModelOpt, AutoGPTQ or AutoAWQ say how the checkpoint is quantized, in a form
   * that is not read here.
   */
  public Optional<String> foreignQuantization() {
    return sideFiles.stream()
        .map(FileEntry::name)
        .filter(CheckpointNames.FOREIGN_CONFIGS::contains)
        .findFirst();
  }

  /** Tokenizer, generation config and whatever else is copied unchanged, sorted by name. */
  public List<FileEntry> sideFiles() {
    return sideFiles;
  }

  /** What lies in the folder and is neither read nor copied, sorted by name. */
  public List<SkippedFile> skipped() {
    return skipped;
  }

  /**
   * Hash over name, size and version of every file that counts and over the headers, lower-case
   * hex. Another fingerprint means another source.
   */
  public String fingerprint() {
    return fingerprint;
  }

  /** Bytes of all tensors. */
  public long totalBytes() {
    long total = 0;
    for (CheckpointTensor tensor : tensors) {
      total = Math.addExact(total, tensor.entry().bytes());
    }
    return total;
  }
}
