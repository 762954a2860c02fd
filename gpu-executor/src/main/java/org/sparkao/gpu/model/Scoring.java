package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.model.LanguageModel.LogitsSink;
import org.sparkao.gpu.model.LanguageModel.SequenceScore;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/**
 * Runs batches through a model, block by block: each block over all batches before the next. Of
 * more batches than one, the residual streams wait on the host.
 */
final class Scoring {
  private final ModelOperators operators;
  private final ModelBlocks blocks;
  private final PassMemory memory;
  private final RotaryTable rotation;

  Scoring(ModelOperators operators, ModelBlocks blocks, PassMemory memory, RotaryTable rotation) {
    this.operators = operators;
    this.blocks = blocks;
    this.memory = memory;
    this.rotation = rotation;
  }

  /** Scores all batches; {@code sink} may be null. */
  List<SequenceScore> score(List<ScoringBatch> batches, LogitsSink sink) {
    Waiting waiting = new Waiting(operators.device(), memory, batches);
    blocks.embedding(
        table ->
            waiting.forEach(batch -> PrefillPass.embed(batch.tokens(), memory, operators, table)));
    blocks.layers(
        (index, layer) ->
            waiting.forEach(
                batch ->
                    layer.run(
                        PrefillPass.begin(batch.tokens(), memory, rotation),
                        memory,
                        Optional.empty())));
    List<SequenceScore> scores = new ArrayList<>();
    HeadScoring head = new HeadScoring(operators, memory);
    blocks.head(
        projection -> waiting.forEach(batch -> scores.addAll(batch.score(head, projection, sink))));
    return scores;
  }

  /** Batches and their residual streams. */
  private static final class Waiting {
    private final Device device;
    private final PassMemory memory;
    private final List<ScoringBatch> batches;
    private final List<ByteBuffer> hidden = new ArrayList<>();

    Waiting(Device device, PassMemory memory, List<ScoringBatch> batches) {
      this.device = device;
      this.memory = memory;
      this.batches = batches;
      if (batches.size() > 1) {
        for (ScoringBatch batch : batches) {
          long bytes = memory.hiddenBytes(batch.tokens().tokens());
          hidden.add(ByteBuffer.allocate(Math.toIntExact(bytes)));
        }
      }
    }

    /** Does a step of every batch. */
    void forEach(Consumer<ScoringBatch> step) {
      for (int i = 0; i < batches.size(); i++) {
        if (!hidden.isEmpty()) {
          device.write(memory.hidden(), 0, hidden.get(i));
        }
        step.accept(batches.get(i));
        if (!hidden.isEmpty()) {
          device.read(memory.hidden(), 0, hidden.get(i));
        }
      }
    }
  }
}
