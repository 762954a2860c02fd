package org.sparkao.jobs.maintain;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.evaluate.logits.LogitsFile;
import org.sparkao.jobs.evaluate.logits.LogitsRequest;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.llamacpp.Splits;

/**
 * Files that nobody finishes: those that killed drivers and executors were writing, in the outputs
 * of runs, and logits that no row tells of. What a dead run can go on from stays: claims, notes of
 * finished files, sums, states.
 */
final class Leftovers {
  private static final String TEMPORARY = ".tmp";
  private static final String PARTS = ".parts";

  private final Storage storage;
  private final Instant before;

  /**
   * What is to be looked for.
   *
   * @param before files that were written later may be somebody's
   */
  Leftovers(Storage storage, Instant before) {
    this.storage = storage;
    this.before = before;
  }

  /** Files of a folder that can go. */
  record Found(Folder folder, List<String> names) {
    /** Bytes of all files. */
    long bytes() throws IOException {
      long bytes = 0;
      for (String name : names) {
        bytes += folder.size(name).orElse(0);
      }
      return bytes;
    }

    /** Deletes them. */
    void delete() throws IOException {
      for (String name : names) {
        folder.delete(name);
      }
    }
  }

  /** Those of the output of a run; nothing while a driver has it. */
  Found ofOutput(RunRow run) throws IOException, InterruptedException {
    String output = run.input().output();
    if (Outputs.isFile(run)) {
      Folder parts = storage.folder(Splits.whole(output) + PARTS);
      List<String> files = files(parts, "");
      return new Found(parts, old(parts, files).size() == files.size() ? files : List.of());
    }
    Folder folder = storage.folder(output);
    if (!Outputs.hasWork(run)) {
      return new Found(folder, List.of());
    }
    List<String> unfinished = new ArrayList<>();
    for (String name : folder.list(WorkFolder.NAME)) {
      String path = WorkFolder.NAME + "/" + name;
      if (name.endsWith(TEMPORARY)) {
        unfinished.add(path);
      } else if (folder.size(path).isEmpty()) {
        unfinished.addAll(files(folder, path));
      }
    }
    List<String> old = old(folder, unfinished);
    // Asked last: whoever comes later has written none of these files.
    return new Found(folder, Outputs.holder(folder).isPresent() ? List.of() : old);
  }

  /** Logits without a row, and unfinished ones. */
  Found ofLogits(DeltaStore store, String tables) throws IOException {
    Folder folder = storage.folder(tables + "/" + LogitsRequest.FOLDER);
    List<String> names = new ArrayList<>(folder.list(""));
    if (names.isEmpty()) {
      return new Found(folder, List.of());
    }
    names.removeIf(name -> !name.endsWith(TEMPORARY) && !name.endsWith(LogitsFile.SUFFIX));
    List<String> old = new ArrayList<>(old(folder, names));
    Set<String> known = new HashSet<>();
    for (TableRow row : store.read(EvalItemRow.TABLE)) {
      known.add(row.text("item_key") + LogitsFile.SUFFIX);
    }
    old.removeAll(known);
    return new Found(folder, old);
  }

  private List<String> old(Folder folder, List<String> files) throws IOException {
    List<String> old = new ArrayList<>();
    for (String file : files) {
      Optional<Instant> time = folder.modified(file);
      if (time.isPresent() && time.orElseThrow().isBefore(before)) {
        old.add(file);
      }
    }
    return old;
  }

  /** Files in a folder, at any depth. */
  private static List<String> files(Folder folder, String in) throws IOException {
    List<String> files = new ArrayList<>();
    for (String name : folder.list(in)) {
      String path = in.isEmpty() ? name : in + "/" + name;
      if (folder.size(path).isPresent()) {
        files.add(path);
      } else {
        files.addAll(files(folder, path));
      }
    }
    return files;
  }
}
