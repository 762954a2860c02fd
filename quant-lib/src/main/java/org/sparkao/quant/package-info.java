/** Quantization of weights: formats, schemes, algorithms, files. No Spark, no Hadoop, no CUDA. */
package org.sparkao.quant;
