package org.sparkao.gpu.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;

/** All parts lie on the device. */
final class ResidentBlocks implements ModelBlocks {
  private final Deque<AutoCloseable> loaded = new ArrayDeque<>();
  private final EmbeddingTable embedding;
  private final List<DecoderLayer> layers = new ArrayList<>();
  private final Projection head;

  ResidentBlocks(BlockLoader loader) {
    try {
      this.embedding = keep(loader.embedding());
      for (int i = 0; i < loader.layers(); i++) {
        layers.add(keep(loader.layer(i)));
      }
      this.head = keep(loader.head(embedding));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T keep(T one) {
    loaded.push(one);
    return one;
  }

  @Override
  public LanguageModel.Placement placement() {
    return LanguageModel.Placement.RESIDENT;
  }

  @Override
  public void embedding(Consumer<EmbeddingTable> use) {
    use.accept(embedding);
  }

  @Override
  public void layers(LayerUse use) {
    for (int i = 0; i < layers.size(); i++) {
      use.use(i, layers.get(i));
    }
  }

  @Override
  public void head(Consumer<Projection> use) {
    use.accept(head);
  }

  @Override
  public String numerics() {
    Set<String> all = new TreeSet<>(Set.of(head.numerics()));
    layers.forEach(layer -> all.addAll(layer.numerics()));
    return String.join(", ", all);
  }

  @Override
  public void close() {
    Closing.all(loaded);
  }
}
