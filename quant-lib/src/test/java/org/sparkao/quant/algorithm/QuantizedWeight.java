package org.sparkao.quant.algorithm;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;

/** What a weight becomes, by the suffix of the tensor. */
record QuantizedWeight(Map<String, Tensor> tensors, TensorStatistics statistics) {

  static QuantizeRequest request(
      QuantScheme scheme, Numerics numerics, WeightAlgorithm algorithm, Tensor weight) {
    WeightSpec spec = new WeightSpec(weight.shape().get(0), weight.shape().get(1), weight.dtype());
    return new QuantizeRequest(
        scheme, CheckpointLayout.COMPRESSED_TENSORS, numerics, algorithm, spec);
  }

  /** Quantizes slice by slice of {@code sliceRows} rows, rounded up to what the scheme wants. */
  static QuantizedWeight of(QuantizeRequest request, Tensor weight, int sliceRows) {
    int rows = Math.toIntExact(request.weight().rows());
    int rowBytes = Math.toIntExact(request.weight().rowBytes());
    int count = Math.toIntExact(rows * request.weight().columns());
    TensorQuantizer quantizer =
        Quantizers.create(
            request, Optional.of(Quantizers.range(weight.bytes(), 0, count, weight.dtype())));
    List<PackedPart> parts = quantizer.parts();
    byte[][] whole = new byte[parts.size()][];
    for (int i = 0; i < whole.length; i++) {
      whole[i] = new byte[Math.toIntExact(parts.get(i).bytes())];
    }
    int multiple = quantizer.sliceRowMultiple();
    int step = (sliceRows + multiple - 1) / multiple * multiple;
    for (int row = 0; row < rows; row += step) {
      int end = Math.min(rows, row + step);
      byte[][] out = new byte[parts.size()][];
      for (int i = 0; i < out.length; i++) {
        out[i] = new byte[Math.toIntExact(parts.get(i).offset(end) - parts.get(i).offset(row))];
      }
      quantizer.quantize(weight.bytes(), row * rowBytes, row, end - row, out);
      for (int i = 0; i < out.length; i++) {
        int at = Math.toIntExact(parts.get(i).offset(row));
        System.arraycopy(out[i], 0, whole[i], at, out[i].length);
      }
    }
    Map<String, Tensor> tensors = new TreeMap<>();
    for (int i = 0; i < whole.length; i++) {
      PackedPart part = parts.get(i);
      tensors.put(part.suffix(), new Tensor(part.dtype(), part.shape(), whole[i]));
    }
    return new QuantizedWeight(tensors, quantizer.statistics());
  }
}
