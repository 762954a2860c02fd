package org.sparkao.jobs.storage;

import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.MultipartUploader;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/** A folder of any file system that Hadoop knows. */
final class HadoopFolder implements Folder {
  private static final Logger LOG = LoggerFactory.getLogger(HadoopFolder.class);

  private final FileSystem files;
  private final Path root;
  private final java.nio.file.Path scratch;

  private HadoopFolder(FileSystem files, Path root, java.nio.file.Path scratch) {
    this.files = files;
    this.root = root;
    this.scratch = scratch;
  }

  static HadoopFolder open(String uri, Configuration configuration, java.nio.file.Path scratch)
      throws IOException {
    try {
      Path root = new Path(uri);
      return new HadoopFolder(root.getFileSystem(configuration), root, scratch);
    } catch (IllegalArgumentException | UnsupportedOperationException e) {
      throw new QuantException(uri + ": not a URI that Hadoop understands: " + e.getMessage(), e);
    }
  }

  private Path path(String name) {
    return name.isEmpty() ? root : new Path(root, name);
  }

  @Override
  public String location() {
    return root.toString();
  }

  @Override
  public List<String> list(String name) throws IOException {
    try {
      return Arrays.stream(files.listStatus(path(name)))
          .filter(status -> !status.getPath().equals(path(name)))
          .map(status -> status.getPath().getName())
          .sorted()
          .toList();
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  @Override
  public OptionalLong size(String name) throws IOException {
    Optional<FileStatus> file = file(name);
    return file.isPresent() ? OptionalLong.of(file.orElseThrow().getLen()) : OptionalLong.empty();
  }

  @Override
  public Optional<Instant> modified(String name) throws IOException {
    return file(name).map(file -> Instant.ofEpochMilli(file.getModificationTime()));
  }

  private Optional<FileStatus> file(String name) throws IOException {
    try {
      return Optional.of(files.getFileStatus(path(name))).filter(FileStatus::isFile);
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
  }

  @Override
  public byte[] read(String name) throws IOException {
    try (FSDataInputStream stream = files.open(path(name))) {
      return stream.readAllBytes();
    }
  }

  @Override
  public List<FileEntry> files() throws IOException {
    List<FileEntry> entries = new ArrayList<>();
    for (FileStatus status : statuses()) {
      if (status.isFile()) {
        entries.add(new FileEntry(status.getPath().getName(), status.getLen(), version(status)));
      }
    }
    return entries;
  }

  @Override
  public List<String> folders() throws IOException {
    return Arrays.stream(statuses())
        .filter(FileStatus::isDirectory)
        .map(status -> status.getPath().getName())
        .toList();
  }

  private FileStatus[] statuses() throws IOException {
    try {
      return files.listStatus(root);
    } catch (FileNotFoundException e) {
      throw new QuantException(
          root + ": is not a folder; name the folder of a checkpoint or one .safetensors file", e);
    }
  }

  /** Object stores know an ETag, file systems the modification time. */
  private static String version(FileStatus status) {
    String etag = status instanceof EtagSource source ? source.getEtag() : null;
    return etag == null ? Instant.ofEpochMilli(status.getModificationTime()).toString() : etag;
  }

  @Override
  public ByteSource open(String name) throws IOException {
    return HadoopSource.open(files, path(name));
  }

  @Override
  public boolean create(String name, byte[] content) throws IOException {
    return NewFile.create(files, path(name), content);
  }

  private boolean isObjectStore() {
    return WholeFile.isObjectStore(files);
  }

  @Override
  public void replace(String name, byte[] content) throws IOException {
    String sent = isObjectStore() ? name : name + "." + UUID.randomUUID() + ".tmp";
    WholeFile.send(
        new ByteArrayInputStream(content), files, path(sent), files.create(path(sent), true));
    if (!sent.equals(name)) {
      rename(sent, name);
    }
  }

  @Override
  public ByteSink sink(String name) throws IOException {
    return ScratchSink.open(files, path(name), scratch);
  }

  @Override
  public ByteSink sink(String part, String name) throws IOException {
    return isObjectStore() ? sink(name) : new NamedSink(this, part, name);
  }

  @Override
  public int abortUploads() throws IOException {
    if (!isObjectStore()
        || !files.hasPathCapability(root, CommonPathCapabilities.FS_MULTIPART_UPLOADER)) {
      return 0;
    }
    try (MultipartUploader uploads = files.createMultipartUploader(root).build()) {
      int aborted = uploads.abortUploadsUnderPath(root).get();
      if (aborted > 0) {
        LOG.info("{}: {} uploads that nobody completed were ended", root, aborted);
      }
      return aborted;
    } catch (ExecutionException e) {
      LOG.warn(
          "{}: uploads that nobody completed are not looked for; a lifecycle rule of the bucket"
              + " should end them: {}",
          root,
          e.getCause().toString());
      return 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(root + ": interrupted");
    }
  }

  @Override
  public void rename(String from, String to) throws IOException {
    if (files instanceof DistributedFileSystem hdfs) {
      hdfs.rename(path(from), path(to), Options.Rename.OVERWRITE);
      return;
    }
    files.delete(path(to), false);
    if (!files.rename(path(from), path(to))) {
      throw new IOException(path(from) + ": cannot be renamed to " + path(to));
    }
  }

  @Override
  public void delete(String name) throws IOException {
    files.delete(path(name), true);
  }

  @Override
  public OptionalLong freeBytes() throws IOException {
    Path there = root;
    while (there.getParent() != null && !files.exists(there)) {
      there = there.getParent();
    }
    long free = files.getStatus(there).getRemaining();
    return free == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(free);
  }
}
