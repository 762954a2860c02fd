/**
 * Files of a calibration: what was seen of the inputs of a model's linear layers. Start with {@link
 * org.sparkao.quant.calibration.Calibration}, which reads them; {@code CalibrationWriter} writes.
 *
 * <p>A calibration is a folder with {@code calibration.json} and one safetensors file a block,
 * {@code <block>.safetensors}. Of every input x [tokens, K] of linear layers the file has, K
 * contiguous:
 *
 * <pre>
 * &lt;input&gt;.input.count                    I64 [1]     tokens
 * &lt;input&gt;.input.routed                   I64 [1]     of them, those that a router sent; else all
 * &lt;input&gt;.input.min, .max, .amax         F32 [K]     of a channel
 * &lt;input&gt;.input.mean_absolute            F32 [K]     mean of abs(x)
 * &lt;input&gt;.input.mean_square              F32 [K]     mean of x^2
 * &lt;input&gt;.input.histogram                I64 [bins]  how often abs(x) occurs, all channels
 * &lt;input&gt;.input.histogram_first          I64 [1]     its first bin
 * &lt;input&gt;.input.token_amax               I64 [bins]  how often a token's largest abs(x) occurs
 * &lt;input&gt;.input.token_amax_first         I64 [1]     its first bin
 * &lt;input&gt;.input.hessian                  F32 [K, K]  mean of x x^T, where it was asked for
 * &lt;module&gt;.weight.column_amax            F32 [K]     largest abs(w) of each column of W [N, K]
 * &lt;block&gt;.self_attn.k_cache.amax         F32 [heads] of keys after rotation, where asked for
 * &lt;block&gt;.self_attn.v_cache.amax         F32 [heads] of values, where asked for
 * </pre>
 *
 * <p>Bin b of a histogram begins at the fp32 number whose bits are b * 2^23 / {@code
 * bins_per_octave}, and ends where the next one begins. An input that no token reached (an expert)
 * has count 0, minima of +infinity, maxima of -infinity and means of 0.
 *
 * <p>Modules that read the same x (q, k and v; gate and up) share one input, named after the first
 * of them; {@code calibration.json} says which: {@code blocks[i].inputs.<input>.modules}. {@code
 * sha256} of a block is that of the lines "sha256 name" of its tensors, in the order of the file.
 */
package org.sparkao.quant.calibration;
