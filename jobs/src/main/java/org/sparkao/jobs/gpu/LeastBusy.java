package org.sparkao.jobs.gpu;

import java.util.ArrayList;
import java.util.List;

/**
 * Things that tasks share, each task one: it gets the one that fewest have, the first of equals.
 *
 * @param <T> a thing
 */
final class LeastBusy<T> {
  private final List<T> all;
  private final int[] users;

  LeastBusy(List<T> all) {
    this.all = List.copyOf(all);
    this.users = new int[all.size()];
  }

  /** Takes one; the caller gives it {@link #back}. */
  synchronized T take() {
    int least = 0;
    for (int i = 1; i < users.length; i++) {
      least = users[i] < users[least] ? i : least;
    }
    users[least]++;
    return all.get(least);
  }

  /** Gives back what was taken. */
  synchronized void back(T one) {
    users[all.indexOf(one)]--;
  }

  /** How many have each, in order. */
  synchronized List<Integer> users() {
    List<Integer> counts = new ArrayList<>();
    for (int count : users) {
      counts.add(count);
    }
    return counts;
  }

  List<T> all() {
    return all;
  }
}
