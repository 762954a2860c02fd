package org.sparkao.jobs.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.Stream;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;

/** A folder of a local disk. */
final class LocalFolder implements Folder {
  private final Path root;

  LocalFolder(Path root) {
    this.root = root;
  }

  @Override
  public String location() {
    return root.toString();
  }

  @Override
  public List<String> list(String name) throws IOException {
    try (Stream<Path> entries = Files.list(root.resolve(name))) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    }
  }

  @Override
  public OptionalLong size(String name) throws IOException {
    Path file = root.resolve(name);
    return Files.isRegularFile(file) ? OptionalLong.of(Files.size(file)) : OptionalLong.empty();
  }

  @Override
  public Optional<Instant> modified(String name) throws IOException {
    Path file = root.resolve(name);
    return Files.isRegularFile(file)
        ? Optional.of(Files.getLastModifiedTime(file).toInstant())
        : Optional.empty();
  }

  @Override
  public byte[] read(String name) throws IOException {
    return Files.readAllBytes(root.resolve(name));
  }

  @Override
  public List<FileEntry> files() throws IOException {
    return LocalFiles.of(root).files();
  }

  @Override
  public List<String> folders() throws IOException {
    return LocalFiles.of(root).folders();
  }

  @Override
  public ByteSource open(String name) throws IOException {
    return FileSource.open(root.resolve(name));
  }

  @Override
  public boolean create(String name, byte[] content) throws IOException {
    Path target = root.resolve(name);
    Path whole = written(name, content);
    try {
      // A hard link appears with its whole content, and only when the name is free.
      Files.createLink(target, whole);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } finally {
      Files.deleteIfExists(whole);
    }
  }

  @Override
  public void replace(String name, byte[] content) throws IOException {
    Path whole = written(name, content);
    Files.move(
        whole,
        root.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  private Path written(String name, byte[] content) throws IOException {
    Path target = root.resolve(name);
    Files.createDirectories(target.getParent());
    Path whole =
        target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try (FileChannel channel =
        FileChannel.open(whole, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer rest = ByteBuffer.wrap(content);
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
      channel.force(true);
    } catch (IOException e) {
      Files.deleteIfExists(whole);
      throw e;
    }
    return whole;
  }

  @Override
  public ByteSink sink(String name) throws IOException {
    return FileSink.create(root.resolve(name));
  }

  @Override
  public ByteSink sink(String part, String name) throws IOException {
    return new NamedSink(this, part, name);
  }

  @Override
  public int abortUploads() {
    return 0;
  }

  @Override
  public void rename(String from, String to) throws IOException {
    Files.move(
        root.resolve(from),
        root.resolve(to),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void delete(String name) throws IOException {
    Path target = root.resolve(name);
    if (!Files.exists(target)) {
      return;
    }
    List<Path> found;
    try (Stream<Path> tree = Files.walk(target)) {
      found = tree.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : found) {
      Files.deleteIfExists(path);
    }
  }

  @Override
  public OptionalLong freeBytes() throws IOException {
    Path at = root;
    while (at != null && !Files.exists(at)) {
      at = at.getParent();
    }
    return at == null
        ? OptionalLong.empty()
        : OptionalLong.of(Files.getFileStore(at).getUsableSpace());
  }
}
