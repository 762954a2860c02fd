/**
 * One device: its memory, streams, events, graphs. Nothing about kernels ({@code module}) or
 * operators.
 *
 * <p>Start with {@link org.sparkao.gpu.device.Device} and its two implementations, {@link
 * org.sparkao.gpu.device.CpuDevice} and {@link org.sparkao.gpu.device.CudaDevice}. Whether this
 * machine has a usable GPU says {@link org.sparkao.gpu.device.Devices#probe()}, which never throws.
 */
package org.sparkao.gpu.device;
