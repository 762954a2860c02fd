package org.sparkao.jobs.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.HiddenStates;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.observe.Workers;

/** Outputs of blocks, compared as block training compares them. */
final class BlockOutputs {
  private BlockOutputs() {}

  /** Runs the blocks of a checkpoint; the caller closes it. */
  static BlockRunner open(Path folder, CpuModelOperators operators, int tokens) throws IOException {
    LocalFiles files = LocalFiles.of(folder);
    return BlockRunner.open(Checkpoint.open(files), files, operators, tokens, Workers.ALL_CORES);
  }

  /** The mean over all tokens of the squared error by the wanted squares. */
  static double relativeError(
      BlockRunner runner, List<HiddenStates> found, List<HiddenStates> wanted) {
    double sum = 0;
    long tokens = 0;
    for (int i = 0; i < found.size(); i++) {
      float[] left = runner.values(found.get(i));
      float[] right = runner.values(wanted.get(i));
      int columns = left.length / found.get(i).tokens();
      for (int begin = 0; begin < left.length; begin += columns) {
        double errors = 0;
        double squares = 0;
        for (int j = begin; j < begin + columns; j++) {
          errors += Math.pow((double) left[j] - right[j], 2);
          squares += Math.pow(right[j], 2);
        }
        sum += errors / squares;
      }
      tokens += found.get(i).tokens();
    }
    return sum / tokens;
  }
}
