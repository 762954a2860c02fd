package org.sparkao.jobs.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sequences of token ids that tests train on, as rows of a file. */
final class TokenRows {
  private TokenRows() {}

  /** Ids from 3 to 502 that follow from the numbers of sample and token, times two factors. */
  static List<int[]> of(int samples, int tokens, int ofSample, int ofToken) {
    List<int[]> sequences = new ArrayList<>();
    for (int sample = 0; sample < samples; sample++) {
      int[] ids = new int[tokens];
      for (int i = 0; i < tokens; i++) {
        ids[i] = 3 + (ofSample * sample + ofToken * i * i) % 500;
      }
      sequences.add(ids);
    }
    return sequences;
  }

  /** Writes JSON lines, and gives the file back. */
  static Path write(List<int[]> sequences, Path file) throws IOException {
    return Files.write(
        file,
        sequences.stream().map(ids -> "{\"token_ids\": " + Arrays.toString(ids) + "}").toList());
  }
}
