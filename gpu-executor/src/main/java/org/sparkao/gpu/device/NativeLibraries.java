package org.sparkao.gpu.device;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/**
 * Puts the native libraries of JCuda and JNA into a private folder, before either looks for them.
 *
 * <p>By themselves both write into the shared folder for temporary files; JCuda even under a fixed
 * name, and takes a file of that name as it is: half written by another JVM that starts at the same
 * moment, or put there by another user. Here a library is written under a temporary name and
 * renamed when it is whole, into a folder that only this user may enter.
 */
final class NativeLibraries {
  private static final String JCUDA_FOLDER = "/lib/";
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");
  private static final String TEMPORARY_FILES = "java.io.tmpdir";
  private static final String JNA_FOLDER = "jna.boot.library.path";
  private static final String JNA_FILE = "libjnidispatch.so";
  private static final String JNA_RESOURCE = "/com/sun/jna/linux-x86-64/" + JNA_FILE;

  private NativeLibraries() {}

  /** Extracts JNA's library and tells JNA; must run before the first use of JNA. */
  static void prepareJna() {
    Path folder = folder(Path.of(System.getProperty(TEMPORARY_FILES)));
    extract(JNA_RESOURCE, folder, JNA_FILE, "JNA");
    if (System.getProperty(JNA_FOLDER) == null) {
      System.setProperty(JNA_FOLDER, folder.toString());
    }
  }

  /**
   * Extracts and loads JCuda's driver library. JCuda has no setting for the folder, so the property
   * of temporary files names ours while it looks; the JDK's own reading of that property is made
   * before, and whoever reads it meanwhile gets a folder of this user.
   *
   * @throws LinkageError when the library cannot be loaded
   */
  static synchronized void loadJcuda() {
    String shared = System.getProperty(TEMPORARY_FILES);
    Path folder = folder(Path.of(shared));
    String file = jcudaFile();
    extract(JCUDA_FOLDER + file, folder, file, "JCuda");
    fixTemporaryFolderOfTheJdk();
    System.setProperty(TEMPORARY_FILES, folder.toString());
    try {
      JCudaDriver.setExceptionsEnabled(false);
    } finally {
      System.setProperty(TEMPORARY_FILES, shared);
    }
  }

  /** Libraries that this machine needs and the class path does not hold. */
  static List<String> missing() {
    List<String> missing = new ArrayList<>();
    if (NativeLibraries.class.getResource(JCUDA_FOLDER + jcudaFile()) == null) {
      missing.add("JCuda (" + jcudaFile() + ")");
    }
    if (NativeLibraries.class.getResource(JNA_RESOURCE) == null) {
      missing.add("JNA (" + JNA_FILE + ")");
    }
    return missing;
  }

  private static String jcudaFile() {
    return LibUtils.createLibraryFileName(
        LibUtils.createPlatformLibraryName("JCudaDriver-" + JCudaVersion.get()));
  }

  /** The private folder below {@code parent}: made, or checked to be ours alone. */
  static Path folder(Path parent) {
    String user = System.getProperty("user.name", "").replaceAll("[^A-Za-z0-9._-]", "_");
    Path folder = parent.resolve("sparkao-native-" + user);
    try {
      Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
    } catch (FileAlreadyExistsException e) {
      // Checked below, like a new one.
    } catch (IOException e) {
      throw new GpuException(GpuErrors.unsafeFolder(folder.toString(), e.toString()), e);
    }
    try {
      checkPrivate(folder);
    } catch (IOException e) {
      throw new GpuException(GpuErrors.unsafeFolder(folder.toString(), e.toString()), e);
    }
    return folder;
  }

  private static void checkPrivate(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      throw new GpuException(GpuErrors.unsafeFolder(folder.toString(), "it is no folder"));
    }
    Set<PosixFilePermission> permissions =
        Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS);
    if (!permissions.equals(PRIVATE)) {
      throw new GpuException(
          GpuErrors.unsafeFolder(
              folder.toString(),
              "its permissions are "
                  + PosixFilePermissions.toString(permissions)
                  + " and not rwx------"));
    }
    Path own = Files.createTempFile(folder, "owner", null);
    try {
      Object folderOwner = Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS);
      if (!folderOwner.equals(Files.getAttribute(own, "unix:uid"))) {
        throw new GpuException(
            GpuErrors.unsafeFolder(folder.toString(), "it belongs to another user"));
      }
    } finally {
      Files.delete(own);
    }
  }

  /** Makes a file with a resource's contents; whoever sees the file sees it whole. */
  static Path extract(String resource, Path folder, String file, String library) {
    Path target = folder.resolve(file);
    try (InputStream in = NativeLibraries.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new GpuException(GpuErrors.noNatives(library, "no resource " + resource));
      }
      byte[] contents = in.readAllBytes();
      if (holds(target, contents)) {
        return target;
      }
      Path temporary = Files.createTempFile(folder, file, ".tmp");
      try {
        Files.write(temporary, contents);
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
      return target;
    } catch (IOException e) {
      throw new GpuException(GpuErrors.noNatives(library, e.toString()), e);
    }
  }

  /**
   * Whether a file is there, with these contents; cleaners of temporary files may take it
   * meanwhile.
   */
  private static boolean holds(Path file, byte[] contents) throws IOException {
    try {
      return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
          && Arrays.equals(contents, Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /**
   * Both of the JDK's makers of temporary files read the property once; they have done so after
   * this.
   */
  private static void fixTemporaryFolderOfTheJdk() {
    try {
      Files.delete(File.createTempFile("sparkao", null).toPath());
      Files.delete(Files.createTempFile("sparkao", null));
    } catch (IOException e) {
      throw new GpuException(GpuErrors.noNatives("JCuda", e.toString()), e);
    }
  }
}
