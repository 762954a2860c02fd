package org.sparkao.jobs.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/** On HDFS: checkpoint and tables. */
@Tag("stores")
class TestFaultsOnHdfs extends AbstractTestFaults {
  @TempDir private static Path folder;
  private static StoreServer server;

  @BeforeAll
  static void startServer() throws IOException, InterruptedException {
    server = StoreServer.hdfs(folder);
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
