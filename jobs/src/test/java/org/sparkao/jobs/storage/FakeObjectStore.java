package org.sparkao.jobs.storage;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Abortable;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.StreamCapabilities;
import org.apache.hadoop.util.Progressable;

/**
 * A local disk that behaves as S3A does: a file is there from the moment its stream is closed,
 * which may be asked to overwrite nothing, and renames, which are copies there, are refused. {@code
 * s3a://BUCKET/path} is {@code /path}. As {@code gs://} it has streams that cannot be given up, and
 * {@code create} says whether to overwrite.
 */
public final class FakeObjectStore extends RawLocalFileSystem {
  private static final String FAULT = "fs.fake.fault";
  private static final String NAME = "fs.fake.fault.name";
  private static final String CONDITIONS = "fs.fake.conditions";
  private static final String GOOGLE = "gs";

  private URI uri;

  /** What goes wrong. */
  public enum Fault {
    NOTHING,
    /** The second byte of a file cannot be written. */
    WRITE,
    /** What was sent does not arrive. */
    CLOSE,
    /** What was sent arrives, but the answer does not; asked again, the store has such a file. */
    ANSWER
  }

  /**
   * Settings that make it known.
   *
   * @param name how the names of files end that it is about
   */
  public static Configuration settings(Fault fault, String name) {
    Configuration settings = new Configuration();
    for (String scheme : new String[] {"s3a", GOOGLE}) {
      settings.set("fs." + scheme + ".impl", FakeObjectStore.class.getName());
      settings.setBoolean("fs." + scheme + ".impl.disable.cache", true);
    }
    settings.setEnum(FAULT, fault);
    settings.set(NAME, name);
    return settings;
  }

  /** Settings of a store that takes no notice of conditions. */
  public static Configuration careless() {
    Configuration settings = settings(Fault.NOTHING, "");
    settings.setBoolean(CONDITIONS, false);
    return settings;
  }

  @Override
  public void initialize(URI name, Configuration settings) throws IOException {
    uri = URI.create(name.getScheme() + "://" + name.getAuthority());
    super.initialize(name, settings);
  }

  /** The disk's own while it is made. */
  @Override
  public URI getUri() {
    return uri == null ? super.getUri() : uri;
  }

  private boolean isGoogle() {
    return GOOGLE.equals(getUri().getScheme());
  }

  @Override
  public boolean hasPathCapability(org.apache.hadoop.fs.Path path, String capability)
      throws IOException {
    return !isGoogle()
            && capability.equals(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE)
        || super.hasPathCapability(path, capability);
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path file,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress) {
    return new FSDataOutputStream(new Upload(file, isGoogle() && !overwrite), null);
  }

  @Override
  public FSDataOutputStreamBuilder<?, ?> createFile(org.apache.hadoop.fs.Path path) {
    return new Builder(this, path);
  }

  private static final class Builder
      extends FSDataOutputStreamBuilder<FSDataOutputStream, Builder> {
    private final FakeObjectStore store;

    private Builder(FakeObjectStore store, org.apache.hadoop.fs.Path path) {
      super((FileSystem) store, path);
      this.store = store;
    }

    @Override
    public Builder getThisBuilder() {
      return this;
    }

    @Override
    public FSDataOutputStream build() {
      boolean conditional =
          getMandatoryKeys().contains(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE);
      return new FSDataOutputStream(store.new Upload(getPath(), conditional), null);
    }
  }

  @Override
  public boolean rename(org.apache.hadoop.fs.Path from, org.apache.hadoop.fs.Path to) {
    throw new AssertionError(from + " is copied to " + to);
  }

  private final class Upload extends OutputStream implements Abortable, StreamCapabilities {
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final Path target;
    private final boolean conditional;
    private final Fault fault;
    private boolean closed;

    private Upload(org.apache.hadoop.fs.Path target, boolean conditional) {
      this.target = Path.of(target.toUri().getPath());
      this.conditional = conditional && getConf().getBoolean(CONDITIONS, true);
      this.fault =
          target.getName().endsWith(getConf().get(NAME, ""))
              ? getConf().getEnum(FAULT, Fault.NOTHING)
              : Fault.NOTHING;
    }

    @Override
    public void write(int value) throws IOException {
      if (fault == Fault.WRITE && sent.size() == 1) {
        throw new IOException("No space left on device");
      }
      sent.write(value);
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      if (fault == Fault.CLOSE) {
        throw new IOException("no route to host");
      }
      if (conditional && Files.exists(target)) {
        throw new IOException("412: At least one of the pre-conditions you specified did not hold");
      }
      Files.createDirectories(target.getParent());
      Files.write(target, sent.toByteArray());
      if (fault == Fault.ANSWER) {
        throw new IOException("412: At least one of the pre-conditions you specified did not hold");
      }
    }

    @Override
    public boolean hasCapability(String capability) {
      return !isGoogle() && capability.equals(StreamCapabilities.ABORTABLE_STREAM);
    }

    @Override
    public AbortableResult abort() {
      boolean before = closed;
      closed = true;
      return new AbortableResult() {
        @Override
        public boolean alreadyClosed() {
          return before;
        }

        @Override
        public IOException anyCleanupException() {
          return null;
        }
      };
    }
  }
}
