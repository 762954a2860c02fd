package org.sparkao.jobs.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A server of storage in a process of its own, from a jar that the profile {@code stores} copies.
 */
final class StoreServer implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 120;

  private final Process process;
  private final Path log;
  private final int port;

  private StoreServer(Process process, Path log, int port) {
    this.process = process;
    this.log = log;
    this.port = port;
  }

  /** S3Proxy (Apache licence), which keeps objects as files of a folder. */
  static StoreServer s3(Path folder) throws IOException, InterruptedException {
    int port = freePort();
    Path settings =
        Files.writeString(
            folder.resolve("s3proxy.conf"),
            String.join(
                "\n",
                "s3proxy.endpoint=http://127.0.0.1:" + port,
                "s3proxy.authorization=aws-v2-or-v4",
                // Checksums that newer clients announce.
                "s3proxy.ignore-unknown-headers=true",
                "s3proxy.identity=" + TestFaultsOnS3.KEY,
                "s3proxy.credential=" + TestFaultsOnS3.SECRET,
                "jclouds.provider=filesystem-nio2",
                "jclouds.identity=any",
                "jclouds.credential=any",
                "jclouds.filesystem.basedir=" + Files.createDirectories(folder.resolve("data"))));
    return start(
        folder,
        port,
        jar("s3proxy-jar-with-dependencies"),
        "org.gaul.s3proxy.Main",
        List.of("--properties", settings.toString()));
  }

  /** Hadoop's name node and one data node. */
  static StoreServer hdfs(Path folder) throws IOException, InterruptedException {
    int port = freePort();
    return start(
        folder,
        port,
        jar("hadoop-client-minicluster") + ":" + System.getProperty("java.class.path"),
        "org.apache.hadoop.mapreduce.MiniHadoopClusterManager",
        List.of("-nomr", "-format", "-nnport", "" + port, "-nnhttpport", "0", "-datanodes", "1"));
  }

  private static String jar(String name) {
    Path jar = Path.of(System.getProperty("sparkao.root"), "jobs/target/stores", name + ".jar");
    if (!Files.exists(jar)) {
      throw new IllegalStateException(jar + " is not there; run mvn -Pstores verify");
    }
    return jar.toString();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static StoreServer start(
      Path folder, int port, String classPath, String main, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-XX:+UseSerialGC", "-Xmx512m", "-cp", classPath, main));
    line.addAll(arguments);
    Path log = folder.resolve("server.log");
    Process process =
        new ProcessBuilder(line)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    StoreServer server = new StoreServer(process, log, port);
    server.await();
    return server;
  }

  private void await() throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return;
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() > end) {
          close();
          throw new IOException("no server: " + Files.readString(log), e);
        }
        Thread.sleep(200);
      }
    }
  }

  int port() {
    return port;
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
