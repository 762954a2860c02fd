package org.sparkao.gpu.train;

/**
 * What a step did.
 *
 * @param step from 1
 * @param loss of its items, before the step
 * @param gradientNorm of all gradients together, before clipping
 * @param learningRate of the step
 */
public record StepReport(int step, BatchLoss loss, double gradientNorm, float learningRate) {}
