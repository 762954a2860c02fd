/**
 * torchao's arithmetic, to the bit: how it chooses the scale of a group and the codes under it.
 * Only numbers in and numbers out; which tensors of a checkpoint they become is decided in {@code
 * algorithm}. Start with {@link org.sparkao.quant.torchao.TorchaoSpec}, whose implementations list
 * what torchao can do, and {@link org.sparkao.quant.torchao.TorchaoTensor#quantize}.
 */
package org.sparkao.quant.torchao;
