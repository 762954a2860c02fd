package org.sparkao.gpu.device;

import org.junit.jupiter.api.Tag;

/** The device layer on the GPU of this machine. */
@Tag("gpu")
class TestCudaDeviceOnGpu extends AbstractTestCudaDevice {}
