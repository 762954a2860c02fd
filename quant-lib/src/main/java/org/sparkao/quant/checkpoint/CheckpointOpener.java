package org.sparkao.quant.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.Sha256;

/** Finds out which files make up a checkpoint, reads what describes them, and compares. */
final class CheckpointOpener {
  private final CheckpointFiles files;
  private String single = CheckpointNames.single(CheckpointNames.TRANSFORMERS);
  private String index = CheckpointNames.index(CheckpointNames.TRANSFORMERS);

  CheckpointOpener(CheckpointFiles files) {
    this.files = files;
  }

  /** Looks for the names of diffusers where those of transformers are not there. */
  private void chooseNames(Map<String, FileEntry> present) {
    if (present.containsKey(single) || present.containsKey(index)) {
      return;
    }
    String otherSingle = CheckpointNames.single(CheckpointNames.DIFFUSERS);
    String otherIndex = CheckpointNames.index(CheckpointNames.DIFFUSERS);
    if (present.containsKey(otherSingle) || present.containsKey(otherIndex)) {
      single = otherSingle;
      index = otherIndex;
    }
  }

  Checkpoint folder() throws IOException {
    Map<String, FileEntry> present = present();
    chooseNames(present);
    Optional<Map<String, String>> weightMap = weightMap(present);
    Collection<String> names =
        weightMap.isPresent()
            ? indexedShards(weightMap.get(), present)
            : List.of(singleShard(present));
    List<Shard> shards = ShardHeaders.read(files, select(names, present));
    FolderContent content = content(present, names);
    List<FileEntry> described = new ArrayList<>(content.sideFiles());
    for (String name : List.of(CheckpointNames.CONFIG, index)) {
      Optional.ofNullable(present.get(name)).ifPresent(described::add);
    }
    Checkpoint checkpoint =
        new Checkpoint(files.location(), shards, content, fingerprint(shards, described));
    weightMap.ifPresent(map -> new IndexCheck(checkpoint).requireAgreement(map));
    return checkpoint;
  }

  Checkpoint file(String name) throws IOException {
    Map<String, FileEntry> present = present();
    if (!present.containsKey(name)) {
      throw refused(name, "there is no such file; check the path");
    }
    List<Shard> shards = ShardHeaders.read(files, select(List.of(name), present));
    FolderContent content = new FolderContent(config(present), List.of(), List.of());
    List<FileEntry> described =
        Optional.ofNullable(present.get(CheckpointNames.CONFIG)).stream().toList();
    return new Checkpoint(files.location(), shards, content, fingerprint(shards, described));
  }

  private Map<String, FileEntry> present() throws IOException {
    Map<String, FileEntry> present = new TreeMap<>();
    for (FileEntry file : files.files()) {
      present.put(file.name(), file);
    }
    return present;
  }

  private Optional<Map<String, String>> weightMap(Map<String, FileEntry> present)
      throws IOException {
    if (!present.containsKey(index)) {
      return Optional.empty();
    }
    try (ByteSource source = files.open(index)) {
      return Optional.of(CheckpointJson.weightMap(source));
    }
  }

  private Collection<String> indexedShards(
      Map<String, String> weightMap, Map<String, FileEntry> present) {
    TreeSet<String> names = new TreeSet<>();
    for (Map.Entry<String, String> entry : weightMap.entrySet()) {
      String name = entry.getValue();
      if (names.contains(name)) {
        continue;
      }
      if (!CheckpointNames.isPlain(name) || !CheckpointNames.isShard(name)) {
        throw refused(
            index,
            entry.getKey()
                + " is said to be in "
                + CheckpointNames.printable(name)
                + ", which is no .safetensors file of this folder;"
                + " put all shards beside the index and name them without a path");
      }
      if (!present.containsKey(name)) {
        throw refused(
            index,
            entry.getKey()
                + " is said to be in "
                + name
                + ", which is missing; download that shard");
      }
      names.add(name);
    }
    if (names.isEmpty()) {
      throw refused(index, "names no tensor; download the index again");
    }
    if (present.containsKey(single) && !names.contains(single)) {
      throw refused(
          single,
          "the folder holds both this file and an index of other shards;"
              + " remove one, or name this file as the checkpoint");
    }
    return names;
  }

  private String singleShard(Map<String, FileEntry> present) {
    List<String> shards = present.keySet().stream().filter(CheckpointNames::isShard).toList();
    if (shards.contains(single)) {
      return single;
    }
    if (shards.size() == 1) {
      return shards.get(0);
    }
    if (shards.isEmpty()) {
      throw new QuantException(
          files.location()
              + ": holds no .safetensors file; convert the checkpoint to safetensors first");
    }
    throw new QuantException(
        files.location()
            + ": holds "
            + shards.size()
            + " .safetensors files ("
            + shards.get(0)
            + ", ...) but no "
            + index
            + "; download the index, or name one file as the checkpoint");
  }

  private static List<FileEntry> select(Collection<String> names, Map<String, FileEntry> present) {
    return names.stream().sorted().map(present::get).toList();
  }

  private Optional<JsonNode> config(Map<String, FileEntry> present) throws IOException {
    if (!present.containsKey(CheckpointNames.CONFIG)) {
      return Optional.empty();
    }
    try (ByteSource source = files.open(CheckpointNames.CONFIG)) {
      return Optional.of(CheckpointJson.object(source));
    }
  }

  private FolderContent content(Map<String, FileEntry> present, Collection<String> shards)
      throws IOException {
    List<FileEntry> sideFiles = new ArrayList<>();
    List<SkippedFile> skipped = new ArrayList<>();
    for (FileEntry file : present.values()) {
      String name = file.name();
      if (shards.contains(name) || name.equals(CheckpointNames.CONFIG) || name.equals(index)) {
        continue;
      }
      Optional<String> reason = CheckpointNames.skipReason(name);
      reason.ifPresentOrElse(
          why -> skipped.add(new SkippedFile(name, why)), () -> sideFiles.add(file));
    }
    for (String folder : files.folders()) {
      skipped.add(new SkippedFile(folder + "/", "folders are not copied"));
    }
    skipped.sort(Comparator.comparing(SkippedFile::name));
    return new FolderContent(config(present), sideFiles, skipped);
  }

  /** The lines are sorted, so the order in which a file system lists does not matter. */
  private static String fingerprint(List<Shard> shards, List<FileEntry> others) {
    TreeSet<String> lines = new TreeSet<>();
    shards.forEach(shard -> lines.add(line(shard.file(), shard.header().sha256())));
    others.forEach(file -> lines.add(line(file, "")));
    MessageDigest digest = Sha256.newDigest();
    lines.forEach(line -> digest.update(line.getBytes(StandardCharsets.UTF_8)));
    return Sha256.hex(digest);
  }

  private static String line(FileEntry file, String headerSha256) {
    return String.join("\0", file.name(), Long.toString(file.size()), file.version(), headerSha256)
        + "\n";
  }

  private QuantException refused(String name, String what) {
    return new QuantException(files.location() + "/" + name + ": " + what);
  }
}
