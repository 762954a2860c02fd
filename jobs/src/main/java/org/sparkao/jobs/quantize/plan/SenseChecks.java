package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.stream.Stream;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Refuses work that is possible but of no use: loaders would not look at its result. */
final class SenseChecks {
  private final Checkpoint checkpoint;

  SenseChecks(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  void require(TaskList list) {
    if (list.tasks().stream().noneMatch(TensorTask.Layer.class::isInstance)) {
      throw nothing(list.ignored());
    }
    if (checkpoint.tieWordEmbeddings().orElse(false)) {
      list.tasks().stream()
          .filter(task -> task instanceof TensorTask.Layer)
          .filter(task -> LinearModules.head(task.module()))
          .findFirst()
          .ifPresent(
              head -> {
                throw tied(head);
              });
    }
  }

  private QuantException nothing(List<String> ignored) {
    List<String> stored =
        ignored.stream()
            .filter(module -> Stream.of("", ".weight").anyMatch(end -> has(module + end)))
            .toList();
    return new QuantException(
        checkpoint.location()
            + ": nothing would be quantized: "
            + (stored.isEmpty()
                ? "none of its " + checkpoint.tensors().size() + " tensors is a linear layer; "
                : "every linear layer stays as it is (" + NameRanges.of(stored) + "); ")
            + "name a checkpoint with linear layers, or skip less with --skip and --rule");
  }

  private boolean has(String tensor) {
    return checkpoint.tensor(tensor).isPresent();
  }

  /**
   * Source: vLLM's model classes load with {@code skip_prefixes=["lm_head."]} when embeddings are
   * tied; transformers ties the head after loading ({@code PreTrainedModel.tie_weights}).
   */
  private QuantException tied(TensorTask head) {
    return new QuantException(
        head.tensor().entry().name()
            + " in "
            + head.tensor().file()
            + ": config.json has tie_word_embeddings true, so vLLM skips this tensor and"
            + " transformers puts the embedding in its place: quantizing it changes nothing; leave"
            + " it to --skip "
            + head.module().substring(head.module().lastIndexOf('.') + 1)
            + ", or set tie_word_embeddings to false in "
            + checkpoint.location()
            + "/config.json when the two differ");
  }
}
