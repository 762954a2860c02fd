package org.sparkao.gpu.model;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;

/** Parts are read when they are used, and given back after: one lies on the device at a time. */
final class StreamedBlocks implements ModelBlocks {
  private final BlockLoader loader;
  private final String numerics;

  /** Loads one layer of every form that occurs, to learn how it is computed. */
  StreamedBlocks(BlockLoader loader) {
    this.loader = loader;
    Set<String> all = new TreeSet<>();
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < loader.layers(); i++) {
      if (seen.addAll(forms(loader.weights().layers().get(i)))) {
        try (DecoderLayer layer = loader.layer(i)) {
          all.addAll(layer.numerics());
        }
      }
    }
    head(head -> all.add(head.numerics()));
    this.numerics = String.join(", ", all);
  }

  private static Set<String> forms(LayerWeights layer) {
    return layer
        .linears()
        .map(
            weight ->
                weight.form() instanceof LinearWeight.Quantized quantized
                    ? quantized.request().toString()
                    : "plain")
        .collect(Collectors.toSet());
  }

  @Override
  public LanguageModel.Placement placement() {
    return LanguageModel.Placement.STREAMED;
  }

  @Override
  public void embedding(Consumer<EmbeddingTable> use) {
    try (EmbeddingTable table = loader.embedding()) {
      use.accept(table);
    }
  }

  @Override
  public void layers(LayerUse use) {
    for (int i = 0; i < loader.layers(); i++) {
      try (DecoderLayer layer = loader.layer(i)) {
        use.use(i, layer);
      }
    }
  }

  @Override
  public void head(Consumer<Projection> use) {
    if (loader.tied()) {
      embedding(table -> head(table, use));
    } else {
      head(null, use);
    }
  }

  private void head(EmbeddingTable table, Consumer<Projection> use) {
    try (Projection head = loader.head(table)) {
      use.accept(head);
    }
  }

  @Override
  public String numerics() {
    return numerics;
  }

  @Override
  public void close() {
    // Nothing is kept.
  }
}
