package org.sparkao.jobs.storage;

import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.llamacpp.GgufFiles;
import org.sparkao.quant.safetensors.ByteSource;

/** A GGUF file as a folder. */
record GgufFolder(GgufFiles model) implements ReadOnlyFolder {
  /** How such a file's name ends. */
  static final String SUFFIX = ".gguf";

  @Override
  public String location() {
    return model.location();
  }

  @Override
  public List<FileEntry> files() {
    return model.files();
  }

  @Override
  public List<String> folders() {
    return model.folders();
  }

  @Override
  public ByteSource open(String name) throws IOException {
    return model.open(name);
  }

  @Override
  public List<String> list(String name) {
    return name.isEmpty() ? files().stream().map(FileEntry::name).sorted().toList() : List.of();
  }

  @Override
  public OptionalLong size(String name) {
    return files().stream()
        .filter(file -> file.name().equals(name))
        .mapToLong(FileEntry::size)
        .findFirst();
  }
}
