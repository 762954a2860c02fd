package org.sparkao.quant.calibrated;

/**
 * What happened when GPTQ was prepared.
 *
 * @param damping share of the mean diagonal that was added in the end
 * @param deadColumns inputs that were never other than zero; their weights become zero
 * @param roundedToNearest whether no damping made the matrix positive definite, so that errors are
 *     not passed on
 */
public record GptqReport(double damping, int deadColumns, boolean roundedToNearest) {}
