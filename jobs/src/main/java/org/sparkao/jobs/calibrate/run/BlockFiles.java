package org.sparkao.jobs.calibrate.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.calibration.CalibrationWriter;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.PairwiseSum;
import org.sparkao.quant.observe.PairwiseSum.Node;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * The output folder while a calibration is made. Sums of some groups wait in the work folder until
 * those of all groups of a block are there; whoever brings the last ones adds them up and writes
 * the block's file. Files appear by renaming and have the same bytes whoever writes them, so that
 * two may do it at once.
 */
final class BlockFiles {
  /** What is being made; the first file. */
  static final String PLAN = WorkFolder.NAME + "/plan.json";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SHA256 = "sha256";

  private final Folder output;
  private final int groups;

  BlockFiles(Folder output, int groups) {
    this.output = output;
    this.groups = groups;
  }

  /** Where it is. */
  String location() {
    return output.location();
  }

  private static String done(String block) {
    return WorkFolder.NAME + "/done-" + block + ".json";
  }

  private static String sums(String block, Node node) {
    return WorkFolder.NAME
        + "/sums-"
        + block
        + "-"
        + node.level()
        + "-"
        + node.index()
        + ".safetensors";
  }

  /** The SHA-256 of the tensors of a block that is finished. */
  Optional<String> finished(String block) throws IOException {
    return output.size(done(block)).isPresent()
        ? Optional.of(JSON.readTree(output.read(done(block))).path(SHA256).textValue())
        : Optional.empty();
  }

  /**
   * What of a block is there: 0 to 1.
   *
   * @param parts names under which its sums are kept, of equal weight
   */
  double progress(String block, List<String> parts, List<String> work) {
    if (work.contains(done(block).substring(WorkFolder.NAME.length() + 1))) {
      return 1;
    }
    return parts.stream().mapToDouble(part -> covered(part, work)).sum() / parts.size();
  }

  private double covered(String part, List<String> work) {
    List<Node> found = nodes(part, work);
    double covered = 0;
    for (int group = 0; group < groups; ) {
      Optional<Node> node = longest(found, group);
      int end = node.map(this::end).orElse(group + 1);
      covered += node.isPresent() ? end - group : 0;
      group = end;
    }
    return covered / groups;
  }

  /** Names in the work folder. */
  List<String> work() throws IOException {
    return output.list(WorkFolder.NAME);
  }

  private static List<Node> nodes(String block, List<String> work) {
    Pattern name = Pattern.compile("sums-" + Pattern.quote(block) + "-(\\d+)-(\\d+)\\.safetensors");
    List<Node> nodes = new ArrayList<>();
    for (String file : work) {
      Matcher matcher = name.matcher(file);
      if (matcher.matches()) {
        nodes.add(new Node(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2))));
      }
    }
    return nodes;
  }

  private int end(Node node) {
    return (int) Math.min(groups, ((long) node.index() + 1) << node.level());
  }

  private Optional<Node> longest(List<Node> nodes, int group) {
    return nodes.stream()
        .filter(node -> (long) node.index() << node.level() == group)
        .max((a, b) -> Integer.compare(a.level(), b.level()));
  }

  /**
   * Sums whose groups are those from {@code first} on; empty when some are missing.
   *
   * @param own those that are there without a file
   */
  private Optional<List<Node>> cover(String block, int first, int end, Set<Node> own)
      throws IOException {
    List<Node> found = nodes(block, work());
    found.addAll(own);
    List<Node> cover = new ArrayList<>();
    for (int group = first; group < end; ) {
      Optional<Node> node = longest(found, group);
      if (node.isEmpty()) {
        return Optional.empty();
      }
      cover.add(node.orElseThrow());
      group = end(node.orElseThrow());
    }
    return Optional.of(cover);
  }

  /** Whether sums of groups are there already, of an earlier attempt. */
  boolean covers(String block, int first, int end) throws IOException {
    return cover(block, first, end, Set.of()).isPresent();
  }

  /** Keeps sums until those of all groups are there. */
  void keep(String block, Map<Node, BlockSums> sums) throws IOException {
    for (Map.Entry<Node, BlockSums> one : sums.entrySet()) {
      write(sums(block, one.getKey()), sink -> CalibrationWriter.sums(sink, block, one.getValue()));
    }
  }

  /** Adds up what was kept, when it is all there. */
  Optional<BlockSums> kept(String block) throws IOException {
    return sum(block, Map.of());
  }

  /**
   * Adds up what was kept and what was not, when it is all there. One block at a time: the heap has
   * all that was kept of it.
   *
   * @param own sums that are not kept; their arrays are used
   */
  private synchronized Optional<BlockSums> sum(String block, Map<Node, BlockSums> own)
      throws IOException {
    Optional<List<Node>> cover = cover(block, 0, groups, own.keySet());
    if (cover.isEmpty()) {
      return Optional.empty();
    }
    PairwiseSum<BlockSums> tree = new PairwiseSum<>(groups, BlockSums::merge);
    for (Node node : cover.orElseThrow()) {
      BlockSums sums = own.get(node);
      tree.add(
          node,
          sums == null ? CalibrationWriter.readSums(output.open(sums(block, node)), block) : sums);
    }
    return tree.total();
  }

  /** Writes the file of a block and forgets its parts. */
  void finish(String block, BlockSums sums, Map<String, float[]> weightAmax) throws IOException {
    String[] sha256 = new String[1];
    write(
        CalibrationWriter.file(block),
        sink -> sha256[0] = CalibrationWriter.block(sink, block, sums, weightAmax));
    output.replace(done(block), JSON.writeValueAsBytes(Map.of(SHA256, sha256[0])));
    forget(block);
  }

  /**
   * Finishes a block when the sums of all groups are there, or keeps these until they are. Who
   * brings the last ones need not keep them.
   *
   * @param own sums that are not kept, or none; their arrays are used
   * @param weightAmax by module, largest magnitude of each column of its weight
   */
  void leave(String block, Map<Node, BlockSums> own, Supplier<Map<String, float[]>> weightAmax)
      throws IOException {
    if (!finishIfWhole(block, own, weightAmax) && !own.isEmpty()) {
      keep(block, own);
      finishIfWhole(block, Map.of(), weightAmax);
    }
  }

  /**
   * Another task may be doing the same, and take away the parts.
   *
   * @return whether all was there
   */
  private boolean finishIfWhole(
      String block, Map<Node, BlockSums> own, Supplier<Map<String, float[]>> weightAmax)
      throws IOException {
    try {
      Optional<BlockSums> all = sum(block, own);
      if (all.isPresent()) {
        finish(block, all.orElseThrow(), weightAmax.get());
      }
      return all.isPresent();
    } catch (IOException e) {
      if (finished(block).isEmpty()) {
        throw e;
      }
      return true;
    }
  }

  /** Forgets the sums of a part of a block, which became part of the block's file. */
  void forget(String part) throws IOException {
    for (Node node : nodes(part, work())) {
      output.delete(sums(part, node));
    }
  }

  /** Whether there is a file of this name. */
  boolean has(String name) throws IOException {
    return output.size(name).isPresent();
  }

  /** Opens a file; the caller closes it. */
  ByteSource open(String name) throws IOException {
    return output.open(name);
  }

  /** Writes a file durably; it appears when it is whole. */
  void write(String name, WorkFolder.Content content) throws IOException {
    WorkFolder.write(output, name, content);
  }

  /** Begins, or goes on; false when the folder is that of another calibration. */
  boolean claim(String fingerprint) throws IOException {
    byte[] plan = JSON.writeValueAsBytes(Map.of("fingerprint", fingerprint));
    output.create(PLAN, plan);
    return Arrays.equals(output.read(PLAN), plan);
  }
}
