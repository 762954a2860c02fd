package org.sparkao.jobs.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;

/** On HDFS: checkpoint and tables. */
@Tag("stores")
class TestFaultsOnHdfs extends AbstractTestFaults {
  @TempDir private static Path folder;
  private static StoreServer server;

  @BeforeAll
  @Timeout(60)
  static void startServer() throws IOException, InterruptedException {
    server = StoreServer.hdfs(folder);
    // The name node answers before its data node has told of its room.
    Folder root =
        Storage.ofAssignments(List.of()).folder("hdfs://127.0.0.1:" + server.port() + "/");
    while (root.freeBytes().orElse(1) == 0) {
      Thread.sleep(200);
    }
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  Place place() {
    String root = "hdfs://127.0.0.1:" + server.port() + "/" + temp.getFileName();
    return new Place(root + "/output", root + "/tables", List.of("spark.hadoop.dfs.replication=1"));
  }
}
