/** Where the bits of codes, scales and zero points go in a file. No arithmetic on weights. */
package org.sparkao.quant.pack;
