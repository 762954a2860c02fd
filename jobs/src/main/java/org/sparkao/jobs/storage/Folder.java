package org.sparkao.jobs.storage;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.safetensors.ByteSink;

/**
 * A folder, which need not exist yet. Names are relative to it; those of the methods declared here
 * may lead into sub-folders with {@code /}.
 */
public interface Folder extends CheckpointFiles {

  /** Names of files and folders in {@code name}, sorted; nothing when there is no such folder. */
  List<String> list(String name) throws IOException;

  /** Length of a file in bytes; empty when there is no such file. */
  OptionalLong size(String name) throws IOException;

  /** When a file was last written; empty when there is no such file. */
  Optional<Instant> modified(String name) throws IOException;

  /** A whole file. */
  byte[] read(String name) throws IOException;

  /**
   * Creates a file that must not exist, missing folders too. Of several that try at once, one
   * succeeds: on local disks, HDFS, and object stores with conditional writes (S3A from Hadoop
   * 3.4.2 on, unless switched off); others may let several. Others than local disks may show the
   * file before it has its content.
   *
   * @param content which tells those apart that may try; see {@link NewFile#create}
   * @return whether it was this call that created it
   */
  boolean create(String name, byte[] content) throws IOException;

  /** Writes a whole file durably, replacing what was there in one step. */
  void replace(String name, byte[] content) throws IOException;

  /** Begins a new file in a folder that exists; the caller closes it. */
  ByteSink sink(String name) throws IOException;

  /**
   * Begins a file that gets its name in one step when it is committed, replacing what was there;
   * closed without that it leaves nothing. Object stores are sent the whole file then, in one
   * upload of its own under that name; elsewhere it grows under another one.
   *
   * @param part that other name, which belongs to this attempt alone
   * @param name which it gets
   */
  ByteSink sink(String part, String name) throws IOException;

  /**
   * Ends uploads into this folder that processes began and did not live to complete, where stores
   * keep such: nobody sees them, and they are paid for. To be called when nobody else uploads.
   *
   * @return how many
   */
  int abortUploads() throws IOException;

  /** Gives a file another name, replacing what was there. */
  void rename(String from, String to) throws IOException;

  /** Deletes a file or a folder with all that is in it; nothing when there is none. */
  void delete(String name) throws IOException;

  /** Bytes that can still be written; empty when the file system does not say. */
  OptionalLong freeBytes() throws IOException;
}
