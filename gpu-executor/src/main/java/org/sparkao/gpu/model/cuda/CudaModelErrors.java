package org.sparkao.gpu.model.cuda;

import java.util.List;
import java.util.Set;
import org.sparkao.gpu.model.LinearWeight;

/** The messages of this package. */
final class CudaModelErrors {
  private CudaModelErrors() {}

  static String tableInFp32() {
    return "head and embedding stay as they are in fp32: a table of int8 or int4 goes with bf16";
  }

  static String decodeInFp32() {
    return "fp32 on a GPU keeps no keys and values; sequences are computed whole, or in bf16";
  }

  static String rows(String name, int k, int other) {
    return name + ": rows of " + other + " numbers in a stack of rows of " + k;
  }

  static String gate(String name, List<LinearWeight> weights) {
    return name
        + ": SwiGLU takes gate and up of the same shape, and the weights are "
        + weights.stream().map(w -> w.name() + " [" + w.n() + ", " + w.k() + "]").toList();
  }

  static String scratch(String slot, int rows, int reserved) {
    return rows + " rows where " + reserved + " were reserved (" + slot + "); reserve more";
  }

  static String tableType(String name, Object dtype) {
    return name + ": numbers of type " + dtype + "; BF16, F16 and F32 are read";
  }

  static String tableColumns(String name, long columns) {
    return name
        + ": rows of "
        + columns
        + " numbers; int4 tables have multiples of 128, use int8 or the stored form";
  }

  static String hiddenColumns(String name, int columns) {
    return name
        + ": rows of "
        + columns
        + " numbers, and the kernels take multiples of 8; use --device cpu";
  }

  static String cacheInFp32() {
    return "a KV cache on a GPU is bf16, int8 or fp8, and fp32 was asked for; use one of those";
  }

  static String heads(int dimension, Set<Integer> known) {
    return "heads of "
        + dimension
        + " elements: in bf16 a GPU takes "
        + known
        + "; use --arithmetic fp32, or --device cpu";
  }

  static String headsInFp32(int dimension) {
    return "heads of "
        + dimension
        + " elements: in fp32 a GPU takes even numbers up to "
        + Fp32Kernels.WIDEST
        + "; use --device cpu";
  }

  static String headsInFp32(int dimension, int needed, int allowed) {
    return "heads of "
        + dimension
        + " elements: in fp32 their attention takes "
        + needed
        + " bytes of shared memory a block, and this GPU allows "
        + allowed
        + "; use --arithmetic bf16, or --device cpu";
  }

  static String experts(String name, int count, int each, int mostCount, int mostEach) {
    return name
        + ": "
        + each
        + " of "
        + count
        + " experts, and the kernels choose up to "
        + mostEach
        + " of up to "
        + mostCount
        + "; use --device cpu";
  }

  static String expertShape(String name, int hidden, int intermediate) {
    return name
        + ": experts of "
        + intermediate
        + " x "
        + hidden
        + " numbers, and the kernels take multiples of 16; use --device cpu";
  }
}
