package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.tensor.HostTensor;

/** Hidden states that stay on the device, against those that wait on the host. */
class TestResidentStates {
  @ParameterizedTest
  @ValueSource(strings = {"reference", "vector"})
  void residentStatesAreSeenAsThoseOfTheHostAre(String kind) {
    TinyModel model = TinyModel.read("llama");
    List<int[]> sequences = List.of(model.ids(), new int[] {5, 6, 7});
    try (ModelOperators operators = TestBlockRunner.operators(kind);
        BlockRunner runner =
            TestBlockRunner.open(operators, model, ModelWeights.of(model.config(), model))) {
      List<HiddenStates> onHost = runner.embed(sequences);
      long before = runner.freeBytes();
      try (ResidentStates resident = runner.resident(sequences)) {
        long taken = before - runner.freeBytes();
        assertThat(taken)
            .isPositive()
            .isLessThanOrEqualTo(
                runner.residentBytes(sequences)
                    + (long) HostTensor.SPARE_ROWS * Float.BYTES * model.config().sizes().hidden());
        runner.blocks(
            (index, block) -> {
              for (int i = 0; i < sequences.size(); i++) {
                DeviceKeeper host = new DeviceKeeper();
                DeviceKeeper device = new DeviceKeeper();
                block.run(onHost.get(i), host);
                block.run(resident.sequences().get(i), device);
                assertThat(device.seen).hasSize(5).isEqualTo(host.seen);
                assertThat(resident.sequences().get(i).toFloats())
                    .isEqualTo(runner.values(onHost.get(i)));
              }
            });
      }
      assertThat(runner.freeBytes()).isEqualTo(before);
    }
  }

  /** Keeps the bytes of what it is shown. */
  private static final class DeviceKeeper implements DeviceObserver {
    private final Map<String, ByteBuffer> seen = new HashMap<>();

    @Override
    public void input(String input, Buffer x, int rows, Optional<Norm> norm) {
      seen.put(input, bytes(x));
    }

    @Override
    public boolean wantsHeads() {
      return true;
    }

    @Override
    public void heads(Buffer heads, int rows) {
      seen.put("heads", bytes(heads));
    }

    private static ByteBuffer bytes(Buffer x) {
      ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(x.bytes()));
      x.device().read(x, 0, bytes);
      return bytes;
    }
  }
}
