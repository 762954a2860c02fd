package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.util.List;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;

/**
 * Packed int4 parts of members as one matrix of more rows, in the groups of the kernels: where a
 * stored group holds several of those, its scale and zero point are repeated.
 */
record Int4Rows(Stack stack, List<LinearWeight> members, int rows) {
  private static final int CODES_OF_WORD = 8;

  /** int32 [rows, K / 8]; rows behind the members are zero, under scales of zero. */
  ByteBuffer codes() {
    int rowBytes = stack.k() / CODES_OF_WORD * Integer.BYTES;
    if (members.size() == 1 && members.get(0).n() == rows) {
      return HostNumbers.stored(StackLoader.quantized(members.get(0)).parts().get(0));
    }
    ByteBuffer all = HostNumbers.allocate((long) rowBytes * rows);
    for (LinearWeight member : members) {
      int begin = all.position();
      all.put(HostNumbers.stored(StackLoader.quantized(member).parts().get(0)));
      all.position(begin + stack.rowsOf(member) * rowBytes);
    }
    return all.rewind();
  }

  /** bf16 [rows, groups]. */
  ByteBuffer scales() {
    ByteBuffer all = HostNumbers.allocate((long) Short.BYTES * groups() * rows);
    for (LinearWeight member : members) {
      int begin = all.position();
      StoredTensor tensor = StackLoader.quantized(member).parts().get(1);
      ByteBuffer given = HostNumbers.bf16(tensor);
      boolean one = given.remaining() == Short.BYTES;
      int stored = one ? 0 : given.remaining() / Short.BYTES / member.n();
      for (int row = 0; row < member.n(); row++) {
        for (int group = 0; group < groups(); group++) {
          int at = one ? 0 : row * stored + group * stored / groups();
          all.putShort(given.getShort(given.position() + Short.BYTES * at));
        }
      }
      all.position(begin + stack.rowsOf(member) * groups() * Short.BYTES);
    }
    return all.rewind();
  }

  /** int32 [ceil(rows / 8), groups]. */
  ByteBuffer zeroPoints() {
    int words = (rows + CODES_OF_WORD - 1) / CODES_OF_WORD;
    ByteBuffer all = HostNumbers.allocate((long) Integer.BYTES * groups() * words);
    for (LinearWeight member : members) {
      int begin = all.position();
      StoredTensor tensor = StackLoader.quantized(member).parts().get(2);
      ByteBuffer given = HostNumbers.stored(tensor);
      int wordsOfMember = (member.n() + CODES_OF_WORD - 1) / CODES_OF_WORD;
      int stored = given.remaining() / Integer.BYTES / wordsOfMember;
      for (int word = 0; word < wordsOfMember; word++) {
        for (int group = 0; group < groups(); group++) {
          int at = word * stored + group * stored / groups();
          all.putInt(given.getInt(given.position() + Integer.BYTES * at));
        }
      }
      all.position(begin + stack.rowsOf(member) / CODES_OF_WORD * groups() * Integer.BYTES);
    }
    return all.rewind();
  }

  private int groups() {
    int group = ((Int4Operands) stack.form().operands()).group();
    return group == Int4Operands.ROW ? 1 : stack.k() / group;
  }
}
