package org.sparkao.quant.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.FileSource;

/** A folder of the local file system. Its files' version is their modification time. */
public final class LocalFiles implements CheckpointFiles {
  private final Path folder;

  private LocalFiles(Path folder) {
    this.folder = folder;
  }

  /**
   * The files of {@code folder}.
   *
   * @throws QuantException when there is no such folder
   */
  public static LocalFiles of(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new QuantException(
          folder + ": is not a folder; name the folder of a checkpoint or one .safetensors file");
    }
    return new LocalFiles(folder);
  }

  @Override
  public String location() {
    return folder.toString();
  }

  @Override
  public List<FileEntry> files() throws IOException {
    List<FileEntry> files = new ArrayList<>();
    for (Path path : children()) {
      if (!Files.exists(path)) {
        throw new QuantException(
            path + ": is a link to a file that is missing; download it again or remove the link");
      }
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (attributes.isRegularFile()) {
        files.add(
            new FileEntry(
                path.getFileName().toString(),
                attributes.size(),
                attributes.lastModifiedTime().toInstant().toString()));
      }
    }
    return files;
  }

  @Override
  public List<String> folders() throws IOException {
    return children().stream()
        .filter(Files::isDirectory)
        .map(path -> path.getFileName().toString())
        .toList();
  }

  @Override
  public ByteSource open(String name) throws IOException {
    return FileSource.open(folder.resolve(name));
  }

  private List<Path> children() throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      return children.sorted().toList();
    }
  }
}
