package org.sparkao.jobs.storage;

import static org.apache.hadoop.fs.Options.CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.UUID;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException;
import org.apache.hadoop.ipc.RemoteException;
import org.sparkao.quant.QuantException;

/**
 * Files that must not exist yet. File systems decide that when a file is begun; object stores, when
 * they are asked to, when it ends.
 */
public final class NewFile {
  private NewFile() {}

  /**
   * Creates a file; of several that try at once one succeeds, where the store holds to it.
   *
   * @param content which tells those apart that may try: a file of the same content counts as the
   *     caller's own where the store's answer was lost
   * @return whether it was this call that created it
   */
  public static boolean create(FileSystem files, Path path, byte[] content) throws IOException {
    FSDataOutputStream stream;
    try {
      stream = begin(files, path);
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (RemoteException e) {
      // HDFS, while another writes it.
      if (AlreadyBeingCreatedException.class.getName().equals(e.getClassName())) {
        return false;
      }
      throw e;
    }
    try {
      WholeFile.send(new ByteArrayInputStream(content), files, path, stream);
      return true;
    } catch (IOException e) {
      // An object store tells that another was first in its own words, and only when the file is
      // complete. It says the same, or nothing, to a second attempt of the client when the answer
      // to the first one was lost.
      if (isConditional(files, path) && files.exists(path)) {
        return holds(files, path, content);
      }
      throw e;
    }
  }

  private static boolean holds(FileSystem files, Path path, byte[] content) throws IOException {
    try (FSDataInputStream stream = files.open(path)) {
      return Arrays.equals(stream.readNBytes(content.length + 1), content);
    }
  }

  private static FSDataOutputStream begin(FileSystem files, Path path) throws IOException {
    if (!isConditional(files, path)) {
      return files.create(path, false);
    }
    FSDataOutputStreamBuilder<?, ?> builder = files.createFile(path);
    builder.create();
    builder.recursive();
    builder.must(FS_OPTION_CREATE_CONDITIONAL_OVERWRITE, true);
    return builder.build();
  }

  private static boolean isConditional(FileSystem files, Path path) throws IOException {
    return files.hasPathCapability(path, FS_OPTION_CREATE_CONDITIONAL_OVERWRITE);
  }

  /**
   * Tries out whether an object store holds to conditional writes: some take no notice of the
   * condition.
   *
   * @param folder that the trial file is created in, and deleted
   * @throws QuantException when the store lets two create the same file
   */
  public static void requireExclusive(FileSystem files, Path folder) throws IOException {
    Path trial = new Path(folder, WorkFolder.NAME + "-trial-" + UUID.randomUUID());
    boolean exclusive =
        isConditional(files, folder)
            && create(files, trial, new byte[] {1})
            && !create(files, trial, new byte[] {2});
    files.delete(trial, false);
    if (!exclusive) {
      throw new QuantException(
          folder
              + ": this store has no conditional writes, without which drivers overwrite each"
              + " other's commits; use --tables on another file system, or see conf/storage.md");
    }
  }
}
