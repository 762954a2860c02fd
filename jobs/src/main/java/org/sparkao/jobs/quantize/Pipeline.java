package org.sparkao.jobs.quantize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * A diffusion pipeline in the layout of diffusers: {@code model_index.json}, and a folder for each
 * component that it names.
 */
final class Pipeline {
  private static final String INDEX = "model_index.json";
  private static final String PART = ".part";

  private final Folder folder;
  private final Set<String> components;

  private Pipeline(Folder folder, Set<String> components) {
    this.folder = folder;
    this.components = components;
  }

  /**
   * The pipeline in a folder, if it holds one.
   *
   * @throws QuantException when a component is missing
   */
  static Optional<Pipeline> in(Folder folder) throws IOException {
    if (folder.size(INDEX).isEmpty()) {
      return Optional.empty();
    }
    String where = folder.location() + "/" + INDEX;
    JsonNode index;
    try {
      index = new ObjectMapper().readTree(folder.read(INDEX));
    } catch (JsonProcessingException e) {
      throw new QuantException(where + ": is not JSON; download it again", e);
    }
    Set<String> components = new TreeSet<>();
    for (Map.Entry<String, JsonNode> entry : index.properties()) {
      JsonNode kind = entry.getValue();
      if (kind.isArray() && kind.size() == 2 && kind.get(0).isTextual()) {
        requirePlain(where, entry.getKey());
        components.add(entry.getKey());
      }
    }
    for (String component : components) {
      if (folder.list(component).isEmpty()) {
        throw new QuantException(
            where
                + ": names the component "
                + component
                + ", but there is no folder of that name; download the whole pipeline");
      }
    }
    return Optional.of(new Pipeline(folder, components));
  }

  private static void requirePlain(String where, String name) {
    if (!name.matches("\\w+")) {
      throw new QuantException(
          where + ": the component \"" + name + "\" is no name of a folder; correct it");
    }
  }

  /** Where it is; of a hub's with the commit. */
  String location() {
    return folder.location();
  }

  /**
   * Refuses components that the pipeline has not.
   *
   * @param chosen names; at least one is needed
   */
  void require(List<String> chosen) {
    if (chosen.isEmpty()) {
      throw new QuantException(
          folder.location()
              + ": is a diffusion pipeline of the components "
              + String.join(", ", components)
              + "; say which to quantize with --component, such as --component transformer");
    }
    for (String name : chosen) {
      if (!components.contains(name)) {
        throw new QuantException(
            "--component "
                + name
                + ": "
                + folder.location()
                + " has the components "
                + String.join(", ", components)
                + "; name one of them");
      }
    }
  }

  /** Refuses an output that holds anything but parts of this pipeline. */
  void requireFree(Folder output) throws IOException {
    Set<String> own = new TreeSet<>(folder.list(""));
    for (String name : output.list("")) {
      String whole = name.endsWith(PART) ? name.substring(0, name.length() - PART.length()) : name;
      if (!own.contains(whole)) {
        throw new QuantException(
            output.location()
                + ": holds "
                + name
                + ", which is no part of the pipeline; choose another --output");
      }
    }
  }

  /** Copies everything but {@code chosen}, the index last: without it a folder is no pipeline. */
  void copyRest(List<String> chosen, Folder output) throws IOException {
    Set<String> files = new TreeSet<>();
    for (String name : folder.list("")) {
      if (!chosen.contains(name) && !name.equals(INDEX) && !name.startsWith(".")) {
        collect(name, files);
      }
    }
    for (String file : files) {
      copy(file, output);
    }
    output.replace(INDEX, folder.read(INDEX));
  }

  private void collect(String name, Set<String> files) throws IOException {
    if (folder.size(name).isPresent()) {
      files.add(name);
      return;
    }
    for (String inner : folder.list(name)) {
      collect(name + "/" + inner, files);
    }
  }

  private void copy(String name, Folder output) throws IOException {
    String part = name + PART;
    // Makes the folder that it is in.
    output.replace(part, new byte[0]);
    output.delete(part);
    try (ByteSource source = folder.open(name);
        ByteSink sink = output.sink(part, name)) {
      source.copyTo(sink, 0, count -> {});
      sink.commit();
    }
  }

  /** Where a component lies, beside {@code root}. */
  static String within(String root, String component) {
    return root.endsWith("/") ? root + component : root + "/" + component;
  }
}
