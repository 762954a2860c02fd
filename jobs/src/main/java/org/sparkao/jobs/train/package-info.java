/**
 * The job {@code train}: quantization-aware training of a checkpoint, block by block over executors
 * or as a whole. {@code plan} reads headers and text, {@code run} carries out. Start with {@code
 * TrainJob}.
 */
package org.sparkao.jobs.train;
