package org.sparkao.jobs.bench;

import org.sparkao.jobs.bench.Benchmark.Measurement;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Work;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.WeightSpec;

/** Times quantization on one device, after comparing its bytes. */
interface QuantizeTimer extends AutoCloseable {

  /** The device, as the rows have it. */
  Machine machine();

  /** The time of one request on these weights. */
  Measurement measure(QuantizeRequest request, byte[] source, int repeats);

  @Override
  void close();

  /**
   * What is done.
   *
   * @param how follows the name of the scheme
   * @param bytes that must be read and written once
   */
  static Work work(QuantizeRequest request, String how, long bytes) {
    WeightSpec weight = request.weight();
    String shape = weight.rows() + "x" + weight.columns() + " bf16";
    return new Work("quantize", shape, request.scheme().name() + how, bytes, 0);
  }
}
