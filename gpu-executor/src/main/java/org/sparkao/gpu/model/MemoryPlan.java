package org.sparkao.gpu.model;

/**
 * Bytes of a device that a model takes.
 *
 * @param work operators' working memory, the memory of a pass and the rotary tables
 * @param embedding table
 * @param layers all of them
 * @param largestLayer of them
 * @param head 0 where it is the embedding
 */
record MemoryPlan(long work, long embedding, long layers, long largestLayer, long head) {
  static MemoryPlan of(ModelOperators operators, ModelWeights weights, long work) {
    long layers = 0;
    long largest = 0;
    for (LayerWeights layer : weights.layers()) {
      long bytes = layer.linears().mapToLong(operators::weightBytes).sum();
      layers += bytes;
      largest = Math.max(largest, bytes);
    }
    long embedding = operators.arithmetic().bytes();
    for (long size : weights.embedding().shape()) {
      embedding *= size;
    }
    long head = weights.head().map(operators::weightBytes).orElse(0L);
    return new MemoryPlan(work, embedding, layers, largest, head);
  }

  /** With all parts on the device. */
  long residentBytes() {
    return work + embedding + layers + head;
  }

  /** With one part at a time. */
  long streamedBytes() {
    return work + Math.max(largestLayer, Math.max(embedding, head));
  }

  /** With its parts where they are to be. */
  long bytes(LanguageModel.Placement placement) {
    return placement == LanguageModel.Placement.RESIDENT ? residentBytes() : streamedBytes();
  }

  /** Where parts go that have so many bytes; refuses what does not fit. */
  LanguageModel.Placement placement(long bytes) {
    if (residentBytes() <= bytes) {
      return LanguageModel.Placement.RESIDENT;
    }
    if (streamedBytes() <= bytes) {
      return LanguageModel.Placement.STREAMED;
    }
    throw ModelErrors.memory(this, bytes);
  }
}
