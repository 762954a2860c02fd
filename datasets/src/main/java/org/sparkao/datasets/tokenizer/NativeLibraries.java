package org.sparkao.datasets.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/**
 * Tells the libraries, before either is used, where their native code goes and that they never
 * touch the network: {@code sparkao-native-USER}, which only this user may enter, below the folder
 * that the property {@code sparkao.native-folder} names, else below that of temporary files.
 *
 * <p>By themselves they would write into the home folder, download a variant for CUDA where a GPU
 * is seen, report their use from machines of one cloud, and have JNA, with which they look for that
 * GPU, write into the shared folder for temporary files. Environment variables of theirs that are
 * set (ENGINE_CACHE_DIR) keep the upper hand over the folder.
 */
final class NativeLibraries {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");
  private static final String PARENT = "sparkao.native-folder";
  private static final String JNA_FOLDER = "jna.boot.library.path";
  private static final String JNA_FILE = "libjnidispatch.so";

  private NativeLibraries() {}

  /** Must run before the first use of either library; later calls change nothing. */
  static synchronized void prepare() {
    String parent = System.getProperty(PARENT, System.getProperty("java.io.tmpdir"));
    Path folder = folder(Path.of(parent).toAbsolutePath());
    set("ENGINE_CACHE_DIR", folder.toString());
    // Even where the environment says DJL_OFFLINE=false, the variant is the one that the jar holds.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("RUST_FLAVOR", "cpu");
    System.setProperty("OPT_OUT_TRACKING", "true");
    if (System.getProperty(JNA_FOLDER) == null) {
      extractJna(folder);
    }
  }

  private static void set(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /** The private folder below {@code parent}: made, or checked to be ours alone. */
  static Path folder(Path parent) {
    String user = System.getProperty("user.name", "").replaceAll("[^A-Za-z0-9._-]", "_");
    Path folder = parent.resolve("sparkao-native-" + user);
    try {
      Files.createDirectories(parent);
      try {
        Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
      } catch (FileAlreadyExistsException e) {
        // Checked below, like a new one.
      }
      checkPrivate(folder);
    } catch (IOException e) {
      throw new DatasetException(DatasetErrors.unsafeFolder(folder, e.toString()), e);
    }
    return folder;
  }

  private static void checkPrivate(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      throw new DatasetException(DatasetErrors.unsafeFolder(folder, "it is no folder"));
    }
    Set<PosixFilePermission> permissions =
        Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS);
    if (!permissions.equals(PRIVATE)) {
      String found = PosixFilePermissions.toString(permissions);
      throw new DatasetException(
          DatasetErrors.unsafeFolder(
              folder, "its permissions are " + found + " and not rwx------"));
    }
    Path own = Files.createTempFile(folder, "owner", null);
    try {
      Object owner = Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS);
      if (!owner.equals(Files.getAttribute(own, "unix:uid"))) {
        throw new DatasetException(
            DatasetErrors.unsafeFolder(folder, "it belongs to another user"));
      }
    } finally {
      Files.delete(own);
    }
  }

  /** Where JNA is on the class path and has a library for this machine. */
  private static void extractJna(Path folder) {
    String architecture = System.getProperty("os.arch").replace("amd64", "x86-64");
    String resource = "/com/sun/jna/linux-" + architecture + "/" + JNA_FILE;
    try (InputStream in = NativeLibraries.class.getResourceAsStream(resource)) {
      if (in == null || !System.getProperty("os.name").startsWith("Linux")) {
        return;
      }
      Path temporary = Files.createTempFile(folder, JNA_FILE, ".tmp");
      try {
        Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
        Files.move(temporary, folder.resolve(JNA_FILE), StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
      System.setProperty(JNA_FOLDER, folder.toString());
    } catch (IOException e) {
      throw new DatasetException(DatasetErrors.noNatives("JNA", e.toString()), e);
    }
  }
}
