package org.sparkao.jobs.generate.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.FileSource;

/** The folder that samples are written to: a note of what they are, and a file a part. */
final class SampleFolder {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Folder folder;

  SampleFolder(Folder folder) {
    this.folder = folder;
  }

  /**
   * What the files of a folder are.
   *
   * @param runId the run that began them
   * @param fingerprint of all that decides the samples
   * @param parts how many files
   */
  record Note(String runId, String fingerprint, int parts) {}

  String location() {
    return folder.location();
  }

  /** What the files are; none in a folder that is empty or not there. */
  Optional<Note> note() throws IOException {
    if (folder.size(Provenance.DATA_FILE).isEmpty()) {
      return Optional.empty();
    }
    String file = folder.location() + "/" + Provenance.DATA_FILE;
    try {
      JsonNode note = JSON.readTree(folder.read(Provenance.DATA_FILE));
      if (!note.path("fingerprint").isTextual() || note.path("parts").asInt() < 1) {
        throw new QuantException(
            file + ": is not what generate writes; choose another --output, or delete the folder");
      }
      return Optional.of(
          new Note(
              note.path("run_id").asText(),
              note.path("fingerprint").asText(),
              note.path("parts").asInt()));
    } catch (JsonProcessingException e) {
      throw new QuantException(file + ": not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** Refuses a folder with files that are nobody's samples. */
  void requireEmptyOrNoted() throws IOException {
    if (note().isEmpty() && !folder.list("").isEmpty()) {
      throw new QuantException(
          "--output "
              + folder.location()
              + ": is not empty, and holds no samples; choose another folder");
    }
  }

  /** The note that is there; refuses that of other samples. */
  Optional<Note> noteOf(String fingerprint) throws IOException {
    Optional<Note> found = note();
    if (found.isPresent() && !found.get().fingerprint.equals(fingerprint)) {
      throw new QuantException(
          "--output "
              + folder.location()
              + ": holds samples of run "
              + found.get().runId
              + ", drawn in another way or of another checkpoint; choose another folder");
    }
    return found;
  }

  /** The note of these samples: the one that is there, or a new one; parts can be added then. */
  Note claim(Note wanted) throws IOException {
    ObjectNode text = JSON.createObjectNode();
    text.put("run_id", wanted.runId).put("fingerprint", wanted.fingerprint);
    text.put("parts", wanted.parts);
    folder.create(
        Provenance.DATA_FILE, (text.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
    Note note = noteOf(wanted.fingerprint).orElseThrow();
    folder.create(WorkFolder.NAME + "/begun", new byte[0]);
    return note;
  }

  /** Adds a part's file, a copy of a local one. */
  void add(SamplePart part, Path file) throws IOException {
    try (ByteSource source = FileSource.open(file)) {
      WorkFolder.copy(source, folder, part.file());
    }
  }

  /** The parts that have no file. */
  List<SamplePart> missing(List<SamplePart> parts) throws IOException {
    List<SamplePart> missing = new ArrayList<>();
    for (SamplePart part : parts) {
      if (folder.size(part.file()).isEmpty()) {
        missing.add(part);
      }
    }
    return missing;
  }

  /** Bytes of the files. */
  long bytes(List<SamplePart> parts) throws IOException {
    long bytes = 0;
    for (SamplePart part : parts) {
      bytes += folder.size(part.file()).orElse(0);
    }
    return bytes;
  }

  /** Deletes what attempts that were killed have left. */
  void clean() throws IOException {
    folder.delete(WorkFolder.NAME);
  }
}
