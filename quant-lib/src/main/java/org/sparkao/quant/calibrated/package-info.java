/**
 * Methods that choose scales or codes by what linear layers see at work: GPTQ, AWQ, SmoothQuant.
 * Arrays and {@link org.sparkao.quant.calibrated.SecondMoments} in, codes or scales out; how
 * activations are collected belongs elsewhere. Start with {@link
 * org.sparkao.quant.calibrated.Gptq}, {@link org.sparkao.quant.calibrated.SmoothQuant} and {@link
 * org.sparkao.quant.calibrated.AwqSearch}.
 */
package org.sparkao.quant.calibrated;
