package org.sparkao.gpu;

import java.util.List;
import java.util.Locale;

/** The messages of this module: what, where, the values, the way out. */
public final class GpuErrors {
  private GpuErrors() {}

  /** No driver library on this machine. */
  public static String noDriver(String detail) {
    return "no NVIDIA driver: libcuda.so.1 cannot be loaded ("
        + firstLine(detail)
        + "); install the driver, in a container pass the GPU through, or use --device cpu";
  }

  /** JCuda or JNA brings no native library for this machine, or it cannot be loaded. */
  public static String noNatives(String library, String detail) {
    return "the native library of "
        + library
        + " cannot be loaded ("
        + firstLine(detail)
        + "); CUDA needs Linux on x86-64, a folder for temporary files that may hold programs"
        + " (-Djava.io.tmpdir=FOLDER), and one class loader of sparkao a JVM; or use --device cpu";
  }

  /** A folder for native libraries that others may write to, or that cannot be made. */
  public static String unsafeFolder(String folder, String reason) {
    return "native libraries are not put into "
        + folder
        + ": "
        + reason
        + "; remove it, or name another folder for temporary files (-Djava.io.tmpdir=FOLDER)";
  }

  /** A driver that sees no GPU. */
  public static String noDevice() {
    return "the NVIDIA driver sees no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES, in a"
        + " container pass the GPU through, or use --device cpu";
  }

  /** A driver older than the kernels need; versions as the driver counts them: 13020 is 13.2. */
  public static String driverTooOld(int version, int needed) {
    return "the NVIDIA driver supports CUDA "
        + version(version)
        + ", and the kernels of this build need "
        + version(needed)
        + " or later (driver 580 or later for 13.0); update the driver, or use --device cpu";
  }

  /** A driver that does not start. */
  public static String driverFailed(String call, int code, String name) {
    return "the NVIDIA driver does not start: "
        + call
        + " says "
        + name
        + " ("
        + code
        + "); look at nvidia-smi and at the kernel's log, or use --device cpu";
  }

  /** A device that no kernel of this build runs on. */
  public static String oldArchitecture(String device, String needed) {
    return device + " is too old: kernels need " + needed + " or later; use --device cpu";
  }

  /** A device number that this machine has not. */
  public static String noSuchDevice(int ordinal, String devices) {
    return "no usable device cuda:" + ordinal + "; usable are " + devices;
  }

  /** A call of the driver that failed. */
  public static String call(String device, String what, String result, String hint) {
    return device + ": " + what + " failed with " + result + (hint.isEmpty() ? "" : "; " + hint);
  }

  /** More memory wanted than the budget has left. */
  public static String overBudget(String device, long wanted, long inUse, long budget) {
    return device
        + ": "
        + bytes(wanted)
        + " wanted, but "
        + bytes(inUse)
        + " of the budget of "
        + bytes(budget)
        + " are in use and "
        + bytes(budget - inUse)
        + " free; use smaller slices or fewer tasks at a time, or raise the budget";
  }

  /** The device has less memory than the budget allows: somebody else uses it. */
  public static String deviceFull(String device, long wanted, long inUse, String deviceMemory) {
    return device
        + ": "
        + bytes(wanted)
        + " wanted, and the device has not so much left ("
        + bytes(inUse)
        + " in use by this JVM, "
        + deviceMemory
        + "); end other programs on this GPU (nvidia-smi lists them), or use smaller slices";
  }

  /** Memory that even the smallest piece of work does not find. */
  public static String cannotSplit(Object work, String outOfMemory) {
    return work + " cannot be split further and does not fit: " + outOfMemory;
  }

  /** A kernel that this build did not compile. */
  public static String noKernels(String op) {
    return "this build has no CUDA kernels for "
        + op
        + " (resource org/sparkao/gpu/kernels/"
        + op
        + ".fatbin is absent): build with nvcc of CUDA 13.0 on PATH or under CUDA_HOME, or with python3 and"
        + " network so that the build fetches it, and without -DskipCuda; the build log says what was"
        + " missing; or use --device cpu";
  }

  /** Arguments that are not the kernel's; sizes in bytes. */
  public static String wrongArguments(String launch, List<Integer> given, List<Integer> needed) {
    return launch
        + " is given "
        + given.size()
        + " arguments of "
        + given
        + " bytes, its parameters are "
        + needed.size()
        + " of "
        + needed
        + " bytes";
  }

  /** A range outside a buffer. */
  public static String outOfBounds(String what, long offset, long wanted, long bytes) {
    return what + " of " + wanted + " bytes at " + offset + " in a buffer of " + bytes + " bytes";
  }

  /** A buffer used after it was closed. */
  public static String closed(String what) {
    return what + " is used after it was closed";
  }

  /** A buffer of one device given to another. */
  public static String otherDevice(String owner, String device) {
    return "a buffer of " + owner + " is used on " + device + "; copy it over";
  }

  /** Something that a stream being captured does not allow. */
  public static String duringCapture(String what) {
    return what + " while this thread captures a graph; do it before capture";
  }

  /** A second GPU asked for by a JVM that has one. */
  public static String executorRunning(String device, int wanted) {
    return "this JVM already works on " + device + ", and cuda:" + wanted + " was asked for";
  }

  /** A thread that asks for a second permit, and could wait for itself for ever. */
  public static String secondPermit(String thread) {
    return "thread " + thread + " asks for a second permit of the GPU; close the first before";
  }

  /** A wait that was interrupted. */
  public static String interrupted(String what) {
    return "interrupted while waiting for " + what;
  }

  /** A matrix product of types that no kernel takes. */
  public static String noGemmOfTypes(String x, String w) {
    return "no matrix product of "
        + x
        + " activations and "
        + w
        + " weights; there are E4M3 and E5M2 with E4M3, INT8 with INT8, BF16 with BF16, and int4"
        + " weights (Int4Operands)";
  }

  /** Scales that do not go together, or with the types. */
  public static String noGemmOfScales(String x, String scalesOfX, String scalesOfW) {
    return "no matrix product of "
        + x
        + " activations with scales "
        + scalesOfX
        + " of X and "
        + scalesOfW
        + " of W; BLOCK goes with BLOCK and fp8 only, BF16 with NONE and NONE";
  }

  /** int4 weights that no kernel takes. */
  public static String noInt4Gemm(String x, int group, boolean zeroPoints) {
    return "no matrix product of "
        + x
        + " activations and int4 weights in groups of "
        + group
        + (zeroPoints ? " with zero points" : "")
        + "; there are BF16, FP16, and E4M3 without zero points, in groups of 32, 64, 128 or 0 (a row)";
  }

  /** A weight of a shape that no kernel takes. */
  public static String gemmShape(String weight, int n, int k, int multiple) {
    return weight
        + ": shape ["
        + n
        + ", "
        + k
        + "], and N and K are positive multiples of "
        + multiple
        + "; pad rows and columns with zeros";
  }

  /** A result type that no kernel writes. */
  public static String gemmOutput(String weight, String output) {
    return weight + ": no results in " + output + "; use BF16, FP16 or FP32";
  }

  /** int4 groups that do not divide a row. */
  public static String gemmGroup(String weight, int k, int group) {
    return weight
        + ": row length "
        + k
        + " is not a multiple of group size "
        + group
        + "; use 32, 64 or 128, or quantize with a scale a row";
  }

  /** Something that one family of kernels lacks. */
  public static String gemmLacks(String gemm, String family, String what, String wayOut) {
    return gemm + ": the " + family + " kernels have no " + what + "; " + wayOut;
  }

  /** A weight that is not 2:4: where its first group begins with more than two numbers. */
  public static String gemmNotSparse(String weight, long row, long column) {
    return weight
        + ": row "
        + row
        + " has more than two numbers that are not zero in columns "
        + column
        + " to "
        + (column + 3)
        + "; prune it with --sparsity 2:4, or multiply it as a dense weight";
  }

  /** A buffer of another size than the product needs. */
  public static String gemmBuffer(String weight, String what, long needed, long bytes) {
    return weight
        + ": "
        + what
        + " needs "
        + bytes(needed)
        + ", and the buffer has "
        + bytes(bytes)
        + "; look at the shape, the types and the number of rows";
  }

  /** A buffer that begins where kernels cannot load whole vectors. */
  public static String gemmAddress(String weight, String what, long address, int multiple) {
    return weight
        + ": "
        + what
        + " begins at address "
        + address
        + ", and addresses are multiples of "
        + multiple
        + "; slice the buffer there, or copy";
  }

  /** An operand that is absent and needed, or present and not wanted. */
  public static String gemmOperand(String gemm, String what, boolean given) {
    return gemm
        + ": "
        + what
        + (given ? " given, and the product has none" : " missing")
        + "; the product's operands and steps say what it takes";
  }

  /** A product without rows. */
  public static String gemmWithoutRows(String weight, int m) {
    return weight + ": " + m + " rows of activations; leave the product out";
  }

  /** A mixture of no experts. */
  public static String gemmWithoutExperts(String weight) {
    return weight + ": no experts; give one matrix of weights for each, or leave the product out";
  }

  /** More rows than decode takes. */
  public static String gemmRows(String weight, int m, int most) {
    return weight
        + ": "
        + m
        + " rows of activations, and decode takes 1 to "
        + most
        + "; split them, or use the prefill kernels for the whole operation";
  }

  /** Weights laid out for other kernels. */
  public static String gemmLayout(String gemm, String layout, String family) {
    return gemm
        + ": weights laid out for "
        + layout
        + " are given to the "
        + family
        + " kernels; let the same object prepare and multiply";
  }

  /** A product whose scales of blocks leave no room for two stages in shared memory. */
  public static String gemmTooLong(String gemm, int m) {
    return gemm
        + ": for "
        + m
        + " rows of activations the scales of so long a K do not fit into shared memory; use"
        + " scales of rows";
  }

  /** Kernels for Hopper alone, on another GPU. */
  public static String needsHopper(String device, String what) {
    return device
        + ": "
        + what
        + " are for sm_90 (H100, H200); CudaGemms chooses the products that this device runs";
  }

  /** Training with fp8 products on another device than Hopper. */
  public static String float8NeedsHopper(String device) {
    return device + ": training with float8 products is for sm_90 (H100, H200); leave float8 out";
  }

  /** Training in bf16 on another GPU. */
  public static String trainingNeedsHopper(String device) {
    return device
        + ": training in bf16 is for sm_90 (H100, H200); arithmetic fp32 runs on every GPU";
  }

  /** A gradient with NaN or infinite elements. */
  public static String gradientNotFinite(String parameter) {
    return "the gradient of "
        + parameter
        + " has elements that are NaN or infinite; lower the learning rate, or clip at a smaller"
        + " norm, and go on from the last checkpoint";
  }

  /** A file of optimizer states that belong to other parameters or another format of states. */
  public static String otherOptimizerState(String file, List<String> wrong) {
    int shown = Math.min(3, wrong.size());
    return file
        + " holds other optimizer states: "
        + String.join("; ", wrong.subList(0, shown))
        + (wrong.size() > shown ? " and " + (wrong.size() - shown) + " more" : "")
        + "; resume with the options of the run that wrote it";
  }

  private static String version(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  private static String bytes(long bytes) {
    return String.format(Locale.ROOT, "%,d bytes", bytes);
  }

  private static String firstLine(String detail) {
    return detail == null ? "no reason given" : detail.lines().findFirst().orElse("").strip();
  }
}
