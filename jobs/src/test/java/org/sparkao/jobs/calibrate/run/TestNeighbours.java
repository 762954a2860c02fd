package org.sparkao.jobs.calibrate.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.PairwiseSum.Node;

/** Who leaves what tasks of one JVM bring, and who waits for whom. */
@Timeout(60)
class TestNeighbours {
  private static final String BLOCK = "model.layers.0";
  private static final Node LEFT = new Node(1, 0);
  private static final Node RIGHT = new Node(1, 1);

  private final List<Set<Node>> left = new CopyOnWriteArrayList<>();
  private String output;

  @BeforeEach
  void name(TestInfo test) {
    output = test.getDisplayName();
  }

  private static Map<Node, BlockSums> sums(Node node) {
    return Map.of(node, new BlockSums(Map.of(), Optional.empty()));
  }

  private static FutureTask<String> start(Callable<String> work) {
    FutureTask<String> task = new FutureTask<>(work);
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    thread.start();
    return task;
  }

  private FutureTask<String> bring(Neighbours.Place place, Node node) {
    return start(
        () -> {
          place.bring(BLOCK, sums(node), all -> left.add(Set.copyOf(all.keySet())));
          return "left";
        });
  }

  private static void assertWaits(FutureTask<String> task) {
    assertThatThrownBy(() -> task.get(100, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
  }

  @Test
  void aTaskAloneWaitsForNobody() throws Exception {
    try (Neighbours.Place place = Neighbours.join(output)) {
      assertThat(bring(place, LEFT).get()).isEqualTo("left");
    }
    assertThat(left).containsExactly(Set.of(LEFT));
  }

  @Test
  void theLastLeavesForAll() throws Exception {
    try (Neighbours.Place one = Neighbours.join(output);
        Neighbours.Place two = Neighbours.join(output);
        Neighbours.Place other = Neighbours.join("another output")) {
      FutureTask<String> first = bring(one, LEFT);
      assertWaits(first);
      assertThat(left).isEmpty();
      assertThat(bring(two, RIGHT).get()).isEqualTo("left");
      assertThat(first.get()).isEqualTo("left");
      assertThat(left).containsExactly(Set.of(LEFT, RIGHT));
      assertThat(bring(other, LEFT).get()).isEqualTo("left");
    }
  }

  @Test
  void whoEndsOrHasNothingIsNotWaitedFor() throws Exception {
    try (Neighbours.Place one = Neighbours.join(output);
        Neighbours.Place two = Neighbours.join(output)) {
      FutureTask<String> first;
      try (Neighbours.Place ends = Neighbours.join(output)) {
        first = bring(one, LEFT);
        two.pass(BLOCK);
        assertWaits(first);
        ends.pass("model.layers.1");
        assertWaits(first);
      }
      assertThat(first.get()).isEqualTo("left");
    }
    assertThat(left).containsExactly(Set.of(LEFT));
  }

  @Test
  void whoComesLateIsNotHeldByThoseWhoWentOn() throws Exception {
    try (Neighbours.Place one = Neighbours.join(output)) {
      bring(one, LEFT).get();
      try (Neighbours.Place late = Neighbours.join(output)) {
        assertThat(bring(late, RIGHT).get()).isEqualTo("left");
      }
    }
    assertThat(left).containsExactly(Set.of(LEFT), Set.of(RIGHT));
  }

  @Test
  void allFailWhenLeavingFails() {
    try (Neighbours.Place one = Neighbours.join(output);
        Neighbours.Place two = Neighbours.join(output)) {
      Neighbours.Leaving full =
          all -> {
            throw new IOException("disk full");
          };
      FutureTask<String> first =
          start(
              () -> {
                one.bring(BLOCK, sums(LEFT), full);
                return "left";
              });
      assertWaits(first);
      assertThatThrownBy(() -> two.bring(BLOCK, sums(RIGHT), full))
          .isInstanceOf(IOException.class)
          .hasMessage("disk full");
      assertThatThrownBy(first::get).hasMessageContaining("disk full");
    }
  }
}
