/**
 * Matrix products Y = X W^T: a description ({@link org.sparkao.gpu.gemm.Gemm}), weights prepared
 * once ({@link org.sparkao.gpu.gemm.GemmWeights}), and two families of kernels, {@link
 * org.sparkao.gpu.gemm.DecodeGemm} and {@link org.sparkao.gpu.gemm.PrefillGemm}. The caller picks
 * the family by what it does (decode or prefill), never by the number of rows: so a row has one
 * result. Each has a reference on the CPU and a launcher of the kernels of {@code
 * src/main/cuda/gemm_*}, whose host rules (tilings, splits, widths) are here in Java.
 *
 * <p>Start with {@link org.sparkao.gpu.gemm.Gemm}.
 */
package org.sparkao.gpu.gemm;
