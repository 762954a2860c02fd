package org.sparkao.jobs.doctor;

import io.delta.kernel.types.LongType;
import io.delta.kernel.types.StringType;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.sparkao.jobs.doctor.Finding.Level;
import org.sparkao.jobs.job.Failures;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.Column;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.Tables;
import org.sparkao.quant.QuantException;

/**
 * The tables: a row is written to a table of its own in their folder, read and removed; a file is
 * created twice; and those that are there must have the columns of this version.
 *
 * @param storage where they lie
 * @param root their folder
 */
record TablesCheck(Storage storage, String root) implements Check {
  private static final long VALUE = 42;
  private static final Table PROBE =
      new Table(
          "probe",
          "One row that doctor writes.",
          List.of(
              new Column("run_id", StringType.STRING, "Who wrote it."),
              new Column("value", LongType.LONG, "A number.")));

  @Override
  public String subject() {
    return "tables";
  }

  @Override
  public List<Finding> look() throws IOException {
    Optional<Path> made = Storage.localPath(root).filter(path -> !Files.exists(path));
    try {
      List<Finding> findings = new ArrayList<>(probe());
      findings.addAll(columns());
      return findings;
    } catch (IOException | RuntimeException e) {
      String rights =
          "name another folder than "
              + root
              + " by --tables, or give this user the right to write there; for object stores give"
              + " the credentials (--conf spark.hadoop.fs...)";
      return List.of(Finding.failed(subject(), e, StorageFix.of(Failures.text(e), rights)));
    } finally {
      if (made.isPresent()) {
        removeEmpty(made.orElseThrow());
      }
    }
  }

  private List<Finding> probe() throws IOException {
    String name = "_doctor-" + UUID.randomUUID();
    Folder folder = storage.folder(root);
    try {
      DeltaStore store = new DeltaStore(storage, root + (root.endsWith("/") ? name : "/" + name));
      store.append(PROBE, List.of(List.of(name, VALUE)), name, 1);
      List<TableRow> rows = store.read(PROBE, name);
      if (rows.size() != 1 || rows.get(0).number("value") != VALUE) {
        return List.of(
            Finding.fail(
                subject(),
                root + ": a row that was written is not there when it is read",
                "use storage where a file is seen as soon as it is written"));
      }
      folder.create(name + "/claim", new byte[] {1});
      return List.of(
          Finding.ok(subject(), root + ": a row was written and read"),
          folder.create(name + "/claim", new byte[] {2})
              ? Finding.warn(
                  "claims",
                  root + ": a file that exists can be created again",
                  "never start two drivers for one output here, or use a local disk, HDFS, or an"
                      + " object store with conditional writes (S3A of Hadoop 3.4.2 or later)")
              : Finding.ok("claims", root + ": of two drivers one is refused"));
    } finally {
      folder.delete(name);
    }
  }

  private List<Finding> columns() {
    DeltaStore store = new DeltaStore(storage, root);
    List<Finding> findings = new ArrayList<>();
    for (Table table : Tables.all()) {
      try {
        store.requireKnownColumns(table);
      } catch (QuantException e) {
        findings.add(Finding.of(Level.FAIL, subject(), e.getMessage(), "give other --tables"));
      }
    }
    return findings;
  }

  private static void removeEmpty(Path folder) throws IOException {
    try {
      Files.deleteIfExists(folder);
    } catch (DirectoryNotEmptyException e) {
      // Another program uses it by now.
    }
  }
}
