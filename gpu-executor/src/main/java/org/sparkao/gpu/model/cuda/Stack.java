package org.sparkao.gpu.model.cuda;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.model.LinearWeight;

/**
 * Linear layers whose products are one: they read the same x and are computed alike.
 *
 * @param members along N
 * @param multiple what the rows of each member are padded to; of 1, none is padded but the last
 */
record Stack(LinearForm form, List<LinearWeight> members, int multiple) {
  private static final int BLOCK = 128;
  private static final int WORD = 8;
  private static final int MULTIPLE = 16;

  Stack {
    members = List.copyOf(members);
  }

  /** As few as there can be, in order. */
  static List<Stack> of(List<LinearWeight> weights) {
    List<Stack> all = new ArrayList<>();
    for (LinearWeight weight : weights) {
      LinearForm form = LinearForms.of(weight);
      int last = all.size() - 1;
      if (last >= 0 && all.get(last).takes(form)) {
        List<LinearWeight> more = new ArrayList<>(all.get(last).members);
        more.add(weight);
        all.set(last, new Stack(form, more, 1));
      } else {
        all.add(new Stack(form, List.of(weight), 1));
      }
    }
    return List.copyOf(all);
  }

  /** Gate and up in one stack, each padded; empty when they are not computed alike. */
  static List<Stack> ofGate(List<LinearWeight> gateAndUp) {
    List<Stack> apart =
        gateAndUp.stream()
            .map(weight -> new Stack(LinearForms.of(weight), List.of(weight), MULTIPLE))
            .toList();
    LinearForm form = apart.get(0).form;
    boolean alike = form.equals(apart.get(1).form) && apart.get(0).takes(form);
    return alike ? List.of(new Stack(form, gateAndUp, MULTIPLE)) : apart;
  }

  /** Whether rows of another member may follow: blocks and words of zero points stay whole. */
  private boolean takes(LinearForm other) {
    int rows = members.stream().mapToInt(LinearWeight::n).sum();
    int whole = form.blocks() ? BLOCK : form.zeroPoints() ? WORD : 1;
    return form.equals(other) && rows % whole == 0;
  }

  int k() {
    return members.get(0).k();
  }

  int paddedK() {
    return up(k(), form.multipleOfK());
  }

  /** Rows that a member takes. */
  int rowsOf(LinearWeight member) {
    return up(member.n(), multiple);
  }

  /** Rows of results, before the padding at the end. */
  int rows() {
    return members.stream().mapToInt(this::rowsOf).sum();
  }

  int paddedRows() {
    return up(rows(), MULTIPLE);
  }

  boolean biased() {
    return members.stream().anyMatch(member -> member.bias().isPresent());
  }

  static int up(int value, int multiple) {
    return (value + multiple - 1) / multiple * multiple;
  }
}
