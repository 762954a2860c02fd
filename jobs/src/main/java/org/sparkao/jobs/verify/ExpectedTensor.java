package org.sparkao.jobs.verify;

import java.util.List;
import java.util.Set;
import org.sparkao.quant.safetensors.DType;

/**
 * A tensor that a quantized module must have.
 *
 * @param suffix the end of its name
 * @param dtypes the element types that loaders accept
 * @param shapes the shapes that loaders accept, the usual one first
 */
record ExpectedTensor(String suffix, Set<DType> dtypes, List<List<Long>> shapes) {
  ExpectedTensor {
    dtypes = Set.copyOf(dtypes);
    shapes = List.copyOf(shapes);
  }
}
