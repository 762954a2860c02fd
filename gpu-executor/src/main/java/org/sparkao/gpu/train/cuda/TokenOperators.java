package org.sparkao.gpu.train.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TokenBatch;

/** Rows of a table by token. */
final class TokenOperators {
  private static final int INDEX_BITS = 32;

  private final KernelLibrary library;
  private final Workspace workspace;
  private final Integers ids;
  private TokenBatch batch;
  private Sorted sorted;

  TokenOperators(KernelLibrary library, Workspace workspace) {
    this.library = library;
    this.workspace = workspace;
    this.ids = new Integers(library.device(), workspace, Workspace.Slot.IDS);
  }

  /**
   * Tokens by id, on the device.
   *
   * @param order [tokens]: those of one id in their own order
   * @param begins [distinct + 1]: where the tokens of an id begin in {@code order}
   * @param distinct ids that occur, ascending
   */
  private record Sorted(Buffer order, Buffer begins, Buffer distinct, int count) {}

  void embed(CudaTensor table, TokenBatch of, CudaTensor hidden) {
    check(of, table);
    Launch launch = TensorLaunch.of(library, "embed", hidden, eights(hidden.rows(), table));
    TensorLaunch.rows(launch, table).with(ids.kept(of.ids()));
    TensorLaunch.rows(launch, hidden).with(hidden.rows()).with(hidden.columns()).run();
  }

  void embedGradient(TokenBatch of, CudaTensor dHidden, CudaTensor dTable) {
    check(of, dTable);
    Sorted byId = sorted(of);
    int blocks = eights(byId.count(), dTable);
    Launch launch =
        TensorLaunch.rows(TensorLaunch.of(library, "embed_gradient", dHidden, blocks), dHidden);
    launch.with(byId.order()).with(byId.begins()).with(byId.distinct());
    TensorLaunch.rows(launch, dTable).with(byId.count()).with(dTable.columns()).run();
  }

  private static int eights(int rows, CudaTensor table) {
    return TensorLaunch.eights(rows, table.columns());
  }

  private static void check(TokenBatch of, CudaTensor table) {
    for (int id : of.ids()) {
      Shapes.token(id, table);
    }
  }

  /** The last batch stays: its arrays do not change. */
  private Sorted sorted(TokenBatch of) {
    if (of != batch) {
      batch = null; // what a failure leaves is of no batch
      sorted = upload(of.ids());
      batch = of;
    }
    return sorted;
  }

  private Sorted upload(int[] tokenIds) {
    int tokens = tokenIds.length;
    long[] keys = new long[tokens];
    Arrays.setAll(keys, i -> (long) tokenIds[i] << INDEX_BITS | i);
    Arrays.sort(keys);
    int[] begins = new int[tokens + 1];
    int[] distinct = new int[tokens];
    int count = 0;
    for (int i = 0; i < tokens; i++) {
      int id = (int) (keys[i] >> INDEX_BITS);
      if (count == 0 || distinct[count - 1] != id) {
        begins[count] = i;
        distinct[count++] = id;
      }
    }
    begins[count] = tokens;
    ByteBuffer all =
        ByteBuffer.allocate(Integer.BYTES * (tokens + 2 * count + 1))
            .order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(keys).forEach(key -> all.putInt((int) key));
    Arrays.stream(begins, 0, count + 1).forEach(all::putInt);
    Arrays.stream(distinct, 0, count).forEach(all::putInt);
    all.flip();
    Buffer buffer = workspace.get(Workspace.Slot.TOKENS, all.remaining());
    library.device().write(buffer, 0, all);
    return new Sorted(
        ints(buffer, 0, tokens),
        ints(buffer, tokens, count + 1),
        ints(buffer, tokens + count + 1, count),
        count);
  }

  private static Buffer ints(Buffer buffer, int first, int count) {
    return buffer.slice((long) Integer.BYTES * first, (long) Integer.BYTES * count);
  }
}
