package org.sparkao.gpu.module;

import org.junit.jupiter.api.Tag;

/** Launches on the GPU of this machine. */
@Tag("gpu")
class TestLaunchOnGpu extends AbstractTestLaunch {}
