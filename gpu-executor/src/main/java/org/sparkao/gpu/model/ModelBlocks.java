package org.sparkao.gpu.model;

import java.util.function.Consumer;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;

/** The parts of a model in the order of a pass, each valid while it is used. */
interface ModelBlocks extends AutoCloseable {
  /** Where they are. */
  LanguageModel.Placement placement();

  /** Lends the embedding table. */
  void embedding(Consumer<EmbeddingTable> use);

  /** Lends the layers, one after the other. */
  void layers(LayerUse use);

  /** Lends the head, with the norm before it. */
  void head(Consumer<Projection> use);

  /** Of all projections, without repetition, sorted. */
  String numerics();

  /** Gives all memory back. */
  @Override
  void close();

  /** What is done with a layer. */
  interface LayerUse {
    /** Uses layer {@code index}. */
    void use(int index, DecoderLayer layer);
  }
}
