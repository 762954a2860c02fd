package org.sparkao.quant.torchao;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.torchao.AffineSpec.Mapping;
import org.sparkao.quant.torchao.MxSpec.ScalingMode;

/** Every file of golden/torchao whose tensors follow from one spec and one granularity. */
class TestTorchaoTensor {
  private static final int ROW = -1;
  private static final int TENSOR = -2;
  private static final int SQUARE = -3;

  private record Case(String file, TorchaoSpec spec, int group) {
    Blocks blocks(Golden.Matrix weight) {
      int rows = weight.rows();
      int columns = weight.columns();
      return switch (group) {
        case ROW -> Blocks.rows(rows, columns);
        case TENSOR -> Blocks.tensor(rows, columns);
        case SQUARE -> new Blocks(rows, columns, 128, 128);
        default -> Blocks.groups(rows, columns, group);
      };
    }
  }

  private static AffineSpec int4(Mapping mapping) {
    return AffineSpec.intx(4, mapping);
  }

  private static Stream<Case> integers() {
    AffineSpec int8 = AffineSpec.int8(Mapping.SYMMETRIC);
    AffineSpec reduced =
        new AffineSpec(
            Mapping.SYMMETRIC, -64, 63, int8.smallestScale(), Optional.of(WeightType.F32));
    AffineSpec floorOfScale =
        new AffineSpec(Mapping.ASYMMETRIC, -8, 7, Optional.of(1e-6f), Optional.of(WeightType.F32));
    AffineSpec unsigned =
        new AffineSpec(Mapping.ASYMMETRIC, 0, 15, Optional.empty(), Optional.empty());
    return Stream.of(
        new Case("int8wo_row", int8, ROW),
        new Case("int8wo_tensor", int8, TENSOR),
        new Case("int8wo_group32", int8, 32),
        new Case("int8dyn_sym", int8, ROW),
        new Case("int8dyn_asym", int8, ROW),
        new Case("int8dyn_reduce_range", reduced, ROW),
        new Case("prim_int8_row_sym_f32eps", int8, ROW),
        new Case("8da4w_g32", int4(Mapping.SYMMETRIC), 32),
        new Case("8da4w_g32_asym", int4(Mapping.ASYMMETRIC), 32),
        new Case("8da4w_g32_f32scale", int4(Mapping.SYMMETRIC).withScaleType(WeightType.F32), 32),
        new Case("intxwo_int4_row_asym", int4(Mapping.ASYMMETRIC), ROW),
        new Case("prim_int4_g128_sym", int4(Mapping.SYMMETRIC), 128),
        new Case("prim_int4_g128_asym", int4(Mapping.ASYMMETRIC), 128),
        new Case("prim_int4_g32_sym_noclip", int4(Mapping.SYMMETRIC_NO_CLIPPING), 32),
        new Case("prim_int4_g32_asym_f32scale_eps1e-6", floorOfScale, 32),
        new Case("prim_uint4_g128_asym", unsigned, 128),
        new Case("prim_tinygemm_g128", AffineSpec.tinygemm(), 128),
        new Case("prim_tinygemm_g32", AffineSpec.tinygemm(), 32));
  }

  private static Stream<Case> widths() {
    return IntStream.rangeClosed(1, 8)
        .mapToObj(
            bits ->
                new Case(
                    "intxwo_int" + bits + "_g32", AffineSpec.intx(bits, Mapping.SYMMETRIC), 32));
  }

  private static Stream<Case> floats() {
    Float8Spec e4m3 = Float8Spec.unbounded(NumberFormats.E4M3FN);
    Float8Spec powers =
        new Float8Spec(
            NumberFormats.E4M3FN,
            Float8Spec.ScaleRounding.POWER_OF_TWO,
            0,
            Float.POSITIVE_INFINITY);
    return Stream.of(
        new Case("float8wo_row", e4m3, ROW),
        new Case("float8wo_tensor", e4m3, TENSOR),
        new Case("float8wo_group32", e4m3, 32),
        new Case("float8wo_e5m2_row", Float8Spec.unbounded(NumberFormats.E5M2), ROW),
        new Case("float8_block128_from_hp", e4m3, SQUARE),
        new Case("float8_block128_e8m0_scale", powers, SQUARE));
  }

  private static Stream<Case> microscaling() {
    Map<String, BinaryFloat> formats =
        Map.of(
            "e4m3", NumberFormats.E4M3FN,
            "e5m2", NumberFormats.E5M2,
            "e2m1", NumberFormats.E2M1,
            "fp6_e2m3", NumberFormats.E2M3,
            "fp6_e3m2", NumberFormats.E3M2);
    return List.of(
            "e4m3_floor",
            "e4m3_ceil",
            "e4m3_even",
            "e4m3_rceil",
            "e5m2_floor",
            "e5m2_rceil",
            "e2m1_floor",
            "e2m1_ceil",
            "e2m1_even",
            "e2m1_rceil",
            "fp6_e2m3_floor",
            "fp6_e3m2_floor")
        .stream()
        .map(
            name -> {
              int cut = name.lastIndexOf('_');
              ScalingMode mode = ScalingMode.valueOf(name.substring(cut + 1).toUpperCase());
              return new Case(
                  "mx_" + name, new MxSpec(formats.get(name.substring(0, cut)), mode), 32);
            });
  }

  private static Stream<Case> cases() {
    return Stream.of(integers(), widths(), floats(), microscaling()).flatMap(Function.identity());
  }

  @Test
  void everyGoldenFileIsChecked() throws IOException {
    try (Stream<Path> files = Files.list(GoldenFile.folder().resolve("torchao"))) {
      List<String> names =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(".safetensors"))
              .map(name -> name.substring(0, name.indexOf(".safetensors")))
              .toList();
      assertThat(Stream.concat(cases().map(Case::file), TestTorchaoVariants.FILES.stream()))
          .containsExactlyInAnyOrderElementsOf(names);
    }
  }

  @TestFactory
  Stream<DynamicTest> codesAndScalesOfEveryFile() {
    Golden input = Golden.open("schemes/input.safetensors");
    return cases().map(test -> DynamicTest.dynamicTest(test.file(), () -> check(test, input)));
  }

  private static void check(Case test, Golden input) {
    Golden golden = Golden.open("torchao/" + test.file() + ".safetensors");
    var names = new TreeSet<String>();
    golden.names().stream()
        .filter(name -> name.endsWith(".qdata"))
        .forEach(name -> names.add(name.substring(0, name.length() - ".qdata".length())));
    assertThat(names).isNotEmpty();
    for (String name : names) {
      Golden.Matrix weight = input.get(name + ".weight");
      TorchaoTensor result =
          TorchaoTensor.quantize(test.spec(), weight.floats(), test.blocks(weight), weight.type());
      Expected.check(test.spec(), golden, name, result);
    }
  }
}
