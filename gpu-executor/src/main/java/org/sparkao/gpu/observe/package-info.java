/**
 * Statistics of what linear layers read, made on the GPU that computes it: {@link
 * org.sparkao.quant.observe.InputObserver} is the reference. Start with {@link
 * org.sparkao.gpu.observe.DeviceBlockObserver}.
 */
package org.sparkao.gpu.observe;
