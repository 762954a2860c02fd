/**
 * GPUs of Spark's executors: what computes is decided here before a run, executors are bound to
 * their GPU, amounts that would wait for ever are refused. Nothing about what is computed. Start
 * with {@link org.sparkao.jobs.gpu.DevicePlanner}; {@code conf/gpu.md} is the page for users.
 */
package org.sparkao.jobs.gpu;
