package org.sparkao.gpu.gptq;

import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.device.BusyTime.Engine;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.quant.algorithm.WeightGrid;
import org.sparkao.quant.calibrated.GptqSolver;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.TwosComplement;
import org.sparkao.quant.format.WeightType;

/**
 * Rounds rows on the device, block of 128 columns after block, as {@link
 * org.sparkao.quant.calibrated.CpuGptq} does. Rows whose memory is not free are done in smaller
 * pieces.
 */
final class CudaGptqSolver implements GptqSolver {
  private static final Logger LOG = LoggerFactory.getLogger(CudaGptqSolver.class);

  /** Rows fill multiprocessors: some thousands make the columns worth going through. */
  static final int SLICE_BYTES = 32 << 20;

  private static final int SIDE = 32;

  /** Numbers that are read back at a time. */
  private static final int READ_NUMBERS = 1 << 20;

  private final KernelLibrary library;
  private final BusyTime busy;
  private final CudaFactor factor;
  private final WeightGrid grid;
  private final int[] groupOfPlace;
  private final int k;
  private final float[] steps;
  private WeightGrid.Scales scales =
      new WeightGrid.Scales(new float[0], new float[0], new float[0]);

  CudaGptqSolver(
      KernelLibrary library, BusyTime busy, CudaFactor factor, WeightGrid grid, int[] groups) {
    this.library = library;
    this.busy = busy;
    this.factor = factor;
    this.grid = grid;
    this.k = groups.length;
    this.steps = new float[k];
    this.groupOfPlace = new int[k];
    int[] order = factor.columns().order();
    for (int place = 0; place < k; place++) {
      groupOfPlace[place] = groups[order[place]];
    }
  }

  @Override
  public int sliceBytes() {
    return SLICE_BYTES;
  }

  @Override
  public void solve(byte[] source, int offset, int rows, Rows out) {
    int most = rows;
    for (int begin = 0; begin < rows; ) {
      int count = Math.min(most, rows - begin);
      SolverLayout layout = new SolverLayout(count, k, grid.groups(), grid.type().bytes());
      try (Buffer memory = library.device().allocate(layout.bytes())) {
        new Piece(layout, memory, begin).solve(source, offset, out);
      } catch (OutOfDeviceMemoryException e) {
        if (count == 1) {
          throw e;
        }
        most = (count + 1) / 2;
        LOG.info("rows of {} columns are rounded {} at a time: {}", k, most, e.getMessage());
        continue;
      }
      begin += count;
    }
  }

  private static int codes(NumberFormat format) {
    if (format instanceof TwosComplement) {
      return 0;
    }
    return format == NumberFormats.E4M3FN ? 1 : 2;
  }

  private static int type(WeightType type) {
    return switch (type) {
      case BF16 -> 0;
      case F16 -> 1;
      case F32 -> 2;
    };
  }

  /** Some rows of a slice on the device. */
  private final class Piece {
    private final SolverLayout layout;
    private final Buffer memory;
    private final int begin;

    Piece(SolverLayout layout, Buffer memory, int begin) {
      this.layout = layout;
      this.memory = memory;
      this.begin = begin;
    }

    void solve(byte[] source, int offset, Rows out) {
      write(source, offset);
      long clipped =
          busy.time(
              Engine.COMPUTE,
              () -> {
                roundAll();
                return Transfers.readLong(layout.clipped(memory));
              });
      grid.addClipped(clipped);
      read(out);
    }

    private void roundAll() {
      tiles("gptq_load")
          .with(work())
          .with(layout.weights(memory))
          .with(type(grid.type()))
          .with(factor.order())
          .with(factor.dead())
          .with(layout.skipped(memory))
          .with(layout.rows())
          .with(k)
          .with(layout.pitch())
          .run();
      for (int place = 0; place < k; place += CudaFactor.BLOCK) {
        round(place, Math.min(CudaFactor.BLOCK, k - place));
        if (factor.factor().isPresent() && k - place > CudaFactor.BLOCK) {
          passOn(place);
        }
      }
      tiles("gptq_store")
          .with(layout.steps(memory))
          .with(work())
          .with(factor.order())
          .with(layout.rows())
          .with(k)
          .with(layout.pitch())
          .run();
    }

    private Buffer work() {
      return layout.work(memory);
    }

    private void write(byte[] source, int offset) {
      int rows = layout.rows();
      int bytes = rows * k * grid.type().bytes();
      int from = offset + begin * k * grid.type().bytes();
      library.device().write(layout.weights(memory), 0, ByteBuffer.wrap(source, from, bytes));
      boolean[] broken = new boolean[rows];
      for (int row = 0; row < rows; row++) {
        broken[row] = grid.broken(begin + row);
      }
      Transfers.write(layout.skipped(memory), broken);
      Transfers.write(layout.groups(memory), groupOfPlace);
      int count = grid.groups() * layout.pitch();
      if (scales.operand().length < count) {
        scales = new WeightGrid.Scales(new float[count], new float[count], new float[count]);
      }
      grid.scales(begin, rows, layout.pitch(), scales);
      Transfers.write(layout.scales(memory, 0), scales.operand(), count);
      Transfers.write(layout.scales(memory, 1), scales.dequantize(), count);
      Transfers.write(layout.scales(memory, 2), scales.zeroPoint(), count);
      library.device().stream().fill(layout.losses(memory), (byte) 0);
      library.device().stream().fill(layout.clipped(memory), (byte) 0);
    }

    private Launch launch(String kernel) {
      return library
          .kernel(CudaFactor.OP, kernel)
          .launch(layout.rows() + "x" + k)
          .block(CudaFactor.THREADS);
    }

    private Launch tiles(String kernel) {
      return launch(kernel).grid(CudaFactor.ceilDiv(k, SIDE), layout.pitch() / SIDE);
    }

    private void round(int place, int count) {
      WeightGrid.Codes codes = grid.codes();
      Launch launch =
          launch("gptq_round")
              .grid(layout.pitch() / SIDE)
              .sharedBytes(SolverLayout.SHARED_BYTES)
              .with(work())
              .with(layout.errors(memory));
      factor.factor().ifPresentOrElse(launch::with, launch::withNull);
      launch
          .with(Math.toIntExact(CudaFactor.stride(k)))
          .with(place)
          .with(count)
          .with(layout.scales(memory, 0))
          .with(layout.scales(memory, 1))
          .with(layout.scales(memory, 2))
          .with(layout.groups(memory))
          .with(layout.losses(memory))
          .with(layout.clipped(memory))
          .with(layout.rows())
          .with(layout.pitch())
          .with(codes(codes.format()))
          .with(type(grid.type()))
          .with(codes.smallest())
          .with(codes.largest())
          .with(codes.clippedBelow())
          .with(codes.clippedAbove())
          .run();
    }

    private void passOn(int place) {
      int rest = k - place - CudaFactor.BLOCK;
      launch("gptq_pass_on")
          .grid(
              CudaFactor.ceilDiv(layout.pitch(), CudaFactor.BLOCK),
              CudaFactor.ceilDiv(rest, CudaFactor.BLOCK))
          .with(work())
          .with(layout.errors(memory))
          .with(factor.factor().orElseThrow())
          .with(Math.toIntExact(CudaFactor.stride(k)))
          .with(place)
          .with(k)
          .with(layout.pitch())
          .run();
    }

    private void read(Rows out) {
      float[] losses = new float[layout.rows()];
      Transfers.read(layout.losses(memory), 0, losses);
      int each = Math.max(1, READ_NUMBERS / k);
      for (int first = 0; first < layout.rows(); first += each) {
        int count = Math.min(each, layout.rows() - first);
        float[] some = new float[count * k];
        Transfers.read(layout.steps(memory), (long) first * k, some);
        for (int row = 0; row < count; row++) {
          System.arraycopy(some, row * k, steps, 0, k);
          out.take(begin + first + row, steps, 0.5 * losses[first + row]);
        }
      }
    }
  }
}
