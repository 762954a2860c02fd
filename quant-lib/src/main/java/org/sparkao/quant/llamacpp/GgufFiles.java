package org.sparkao.quant.llamacpp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.gguf.GgufReader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.gguf.GgufValue;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * A GGUF file of a Llama, or several numbered ones, as the folder of a checkpoint: {@code
 * model.safetensors} whose numbers are decoded on reading, {@code config.json} and the files of the
 * tokenizer. Immutable, safe for use by several threads.
 */
public final class GgufFiles implements CheckpointFiles {
  private static final String WEIGHTS = "model.safetensors";
  private static final String CONFIG = "config.json";
  private static final String ROPE = "rope_freqs.weight";

  private final CheckpointFiles folder;
  private final String location;
  private final String version;
  private final ShardHeader header;
  private final Map<String, StoredTensor> tensors;
  private final Map<String, byte[]> texts;

  private GgufFiles(
      CheckpointFiles folder,
      String location,
      String version,
      Map<String, StoredTensor> tensors,
      Map<String, byte[]> texts) {
    this.folder = folder;
    this.location = location;
    this.version = version;
    this.tensors = tensors;
    this.texts = texts;
    List<TensorSpec> specs = new ArrayList<>();
    tensors.forEach(
        (name, stored) -> specs.add(new TensorSpec(name, stored.dtype(), stored.tensor().shape())));
    this.header = ShardHeader.of(specs, ShardHeader.PYTORCH);
  }

  /**
   * Reads the headers of a file, or of all files that it is the first of.
   *
   * @param folder that holds them
   * @throws QuantException for what is no such file, of another architecture, or not whole
   */
  public static GgufFiles open(CheckpointFiles folder, String name) throws IOException {
    Map<String, FileEntry> present =
        folder.files().stream().collect(Collectors.toMap(FileEntry::name, file -> file));
    List<String> names = Splits.all(folder.location(), name, present.keySet());
    String location = folder.location() + "/" + name;
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    Map<String, StoredTensor> stored = new LinkedHashMap<>();
    for (String part : names) {
      try (ByteSource source = folder.open(part)) {
        GgufReader.Read read = GgufReader.read(source);
        if (part.equals(name)) {
          metadata.putAll(read.header().metadata());
        }
        for (GgufTensor tensor : read.header().tensors()) {
          StoredTensor one = new StoredTensor(part, tensor, read.dataBegin() + tensor.offset(), 0);
          if (stored.put(tensor.name(), one) != null) {
            throw new QuantException(
                folder.location() + "/" + part + ": " + tensor.name() + " is in another file too");
          }
        }
      }
    }
    Metadata all = new Metadata(location, metadata);
    requireCounts(all, names.size(), stored.size());
    LlamaConfig config = config(all, stored, folder);
    Map<String, byte[]> texts = new LinkedHashMap<>();
    texts.put(CONFIG, json(config));
    texts.putAll(TokenizerTexts.of(all));
    String version =
        names.stream()
            .map(present::get)
            .map(file -> file.size() + "-" + file.version())
            .collect(Collectors.joining(" "));
    return new GgufFiles(folder, location, version, named(all, config, stored), texts);
  }

  private static void requireCounts(Metadata metadata, int files, int tensors) {
    long count = metadata.whole(Splits.COUNT).orElse((long) files);
    if (count != files) {
      throw metadata.refused(
          Splits.COUNT
              + " is "
              + count
              + ", but its name says "
              + files
              + "; keep the names that the files were published with");
    }
    long all = metadata.whole(Splits.TENSORS).orElse((long) tensors);
    if (all != tensors) {
      throw metadata.refused(
          Splits.TENSORS + " is " + all + ", there are " + tensors + "; download all files again");
    }
  }

  private static LlamaConfig config(
      Metadata metadata, Map<String, StoredTensor> stored, CheckpointFiles folder)
      throws IOException {
    Optional<float[]> stretch = Optional.empty();
    if (stored.containsKey(ROPE)) {
      stretch = Optional.of(floats(stored.remove(ROPE), folder));
    }
    GgufType embedding =
        Optional.ofNullable(stored.get("token_embd.weight"))
            .map(tensor -> tensor.tensor().type())
            .orElse(GgufType.F32);
    return LlamaConfig.of(metadata, stretch, embedding, !stored.containsKey("output.weight"));
  }

  private static float[] floats(StoredTensor tensor, CheckpointFiles folder) throws IOException {
    try (ByteSource source = folder.open(tensor.file())) {
      return GgufReader.floats(source, tensor.tensor(), tensor.begin());
    }
  }

  /** Tensors by their names in a checkpoint, all of them that a Llama has. */
  private static Map<String, StoredTensor> named(
      Metadata metadata, LlamaConfig config, Map<String, StoredTensor> stored) {
    Map<String, StoredTensor> named = new HashMap<>();
    for (StoredTensor tensor : stored.values()) {
      String name = tensor.tensor().name();
      String inCheckpoint =
          LlamaNames.inCheckpoint(name)
              .orElseThrow(
                  () -> metadata.refused(name + " is no tensor of a Llama, so it is not read"));
      int heads = config.interleavedHeads(name);
      if (heads > 0 && tensor.rows() != (long) heads * config.headSize()) {
        throw metadata.refused(
            name
                + " has "
                + tensor.rows()
                + " rows, not those of "
                + heads
                + " heads of "
                + config.headSize()
                + "; convert the model again");
      }
      named.put(
          inCheckpoint,
          new StoredTensor(
              tensor.file(), tensor.tensor(), tensor.begin(), heads > 0 ? config.headSize() : 0));
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String inner : LlamaNames.ofLayer()) {
        require(metadata, stored, "blk." + layer + "." + inner);
      }
    }
    require(metadata, stored, "token_embd.weight");
    require(metadata, stored, "output_norm.weight");
    return named;
  }

  private static void require(Metadata metadata, Map<String, StoredTensor> stored, String name) {
    if (!stored.containsKey(name)) {
      throw metadata.refused(
          "has no "
              + name
              + (stored.isEmpty() ? " and no tensor at all: it is a vocabulary" : "")
              + "; download the whole model");
    }
  }

  private static byte[] json(LlamaConfig config) {
    try {
      return new ObjectMapper()
          .writerWithDefaultPrettyPrinter()
          .writeValueAsString(config.node())
          .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree in memory", e);
    }
  }

  /** The first GGUF file. */
  @Override
  public String location() {
    return location;
  }

  @Override
  public List<FileEntry> files() {
    List<FileEntry> entries = new ArrayList<>();
    entries.add(new FileEntry(WEIGHTS, header.fileBytes(), version));
    texts.forEach((name, text) -> entries.add(new FileEntry(name, text.length, version)));
    return entries;
  }

  @Override
  public List<String> folders() {
    return List.of();
  }

  @Override
  public ByteSource open(String name) throws IOException {
    return name.equals(WEIGHTS)
        ? new DecodedFile(folder, location, header, tensors)
        : new TextSource(location + "/" + name, text(name));
  }

  /** A file other than the weights. */
  private byte[] text(String name) throws IOException {
    byte[] text = texts.get(name);
    if (text == null) {
      throw new IOException(location + ": has no " + name);
    }
    return text.clone();
  }
}
