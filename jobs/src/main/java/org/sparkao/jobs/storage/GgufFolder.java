package org.sparkao.jobs.storage;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.llamacpp.GgufFiles;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/** A GGUF file as a folder that is only read. */
record GgufFolder(GgufFiles model) implements Folder {
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

  /** Not known: of what is in a file nothing is written by itself. */
  @Override
  public Optional<Instant> modified(String name) {
    return Optional.empty();
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

  @Override
  public byte[] read(String name) throws IOException {
    return model.text(name);
  }

  @Override
  public boolean create(String name, byte[] content) throws IOException {
    throw readOnly();
  }

  @Override
  public void replace(String name, byte[] content) throws IOException {
    throw readOnly();
  }

  @Override
  public ByteSink sink(String name) throws IOException {
    throw readOnly();
  }

  @Override
  public ByteSink sink(String part, String name) throws IOException {
    throw readOnly();
  }

  @Override
  public int abortUploads() {
    return 0;
  }

  @Override
  public void rename(String from, String to) throws IOException {
    throw readOnly();
  }

  @Override
  public void delete(String name) throws IOException {
    throw readOnly();
  }

  @Override
  public OptionalLong freeBytes() {
    return OptionalLong.of(0);
  }

  private IOException readOnly() {
    return new IOException(location() + ": is a GGUF file, in which nothing is written");
  }
}
