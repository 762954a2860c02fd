package org.sparkao.gpu.executor;

import org.junit.jupiter.api.Tag;

/** The executor on the GPU of this machine. */
@Tag("gpu")
class TestGpuExecutorOnGpu extends AbstractTestGpuExecutor {}
