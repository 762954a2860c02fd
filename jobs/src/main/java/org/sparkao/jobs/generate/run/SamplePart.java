package org.sparkao.jobs.generate.run;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.sparkao.jobs.generate.plan.Prompt;

/**
 * The samples of one file; none: an executor only says how it would compute.
 *
 * @param index of the file
 * @param firstSample number of the first; the others follow it
 * @param prompts one a sample
 */
record SamplePart(int index, int firstSample, List<Prompt> prompts) implements Serializable {
  static final SamplePart NONE = new SamplePart(-1, 0, List.of());

  SamplePart {
    prompts = List.copyOf(prompts);
  }

  /** Cuts all into so many parts, none empty, sizes differing by one at most. */
  static List<SamplePart> cut(List<Prompt> all, int wanted) {
    int parts = Math.min(wanted, all.size());
    List<SamplePart> cut = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      int begin = (int) ((long) all.size() * i / parts);
      int end = (int) ((long) all.size() * (i + 1) / parts);
      cut.add(new SamplePart(i, begin, all.subList(begin, end)));
    }
    return cut;
  }

  /** Name of the file. */
  String file() {
    return String.format(Locale.ROOT, "part-%05d.parquet", index);
  }
}
