package org.sparkao.jobs.table;

import io.delta.kernel.data.ArrayValue;
import io.delta.kernel.data.ColumnVector;
import io.delta.kernel.types.ArrayType;
import io.delta.kernel.types.DataType;
import io.delta.kernel.types.DoubleType;
import io.delta.kernel.types.IntegerType;
import io.delta.kernel.types.LongType;
import io.delta.kernel.types.StringType;
import io.delta.kernel.types.StructType;
import io.delta.kernel.types.TimestampType;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * Values of one column as Delta Kernel takes them, and back. Texts, whole numbers, decimals,
 * instants (to the microsecond), lists of them, and structures, which are lists of their fields.
 */
final class ListVector implements ColumnVector {
  private final DataType type;
  private final List<?> values;

  ListVector(DataType type, List<?> values) {
    this.type = type;
    this.values = values;
  }

  /** The value of a vector of Kernel's at a place; null where there is none. */
  static Object read(ColumnVector vector, int place) {
    DataType type = vector.getDataType();
    if (vector.isNullAt(place)) {
      return null;
    } else if (type instanceof StringType) {
      return vector.getString(place);
    } else if (type instanceof LongType) {
      return vector.getLong(place);
    } else if (type instanceof IntegerType) {
      return vector.getInt(place);
    } else if (type instanceof DoubleType) {
      return vector.getDouble(place);
    } else if (type instanceof TimestampType) {
      return Instant.EPOCH.plus(vector.getLong(place), ChronoUnit.MICROS);
    } else if (type instanceof ArrayType) {
      ArrayValue array = vector.getArray(place);
      List<Object> elements = new ArrayList<>();
      for (int i = 0; i < array.getSize(); i++) {
        elements.add(read(array.getElements(), i));
      }
      return elements;
    } else if (type instanceof StructType struct) {
      List<Object> fields = new ArrayList<>();
      for (int i = 0; i < struct.length(); i++) {
        fields.add(read(vector.getChild(i), place));
      }
      return fields;
    }
    throw new IllegalArgumentException("no column of the tables has type " + type);
  }

  @Override
  public DataType getDataType() {
    return type;
  }

  @Override
  public int getSize() {
    return values.size();
  }

  @Override
  public void close() {}

  @Override
  public boolean isNullAt(int place) {
    return values.get(place) == null;
  }

  @Override
  public int getInt(int place) {
    return (Integer) values.get(place);
  }

  @Override
  public long getLong(int place) {
    return type instanceof TimestampType
        ? ChronoUnit.MICROS.between(Instant.EPOCH, (Instant) values.get(place))
        : (Long) values.get(place);
  }

  @Override
  public double getDouble(int place) {
    return (Double) values.get(place);
  }

  @Override
  public String getString(int place) {
    return (String) values.get(place);
  }

  @Override
  public ArrayValue getArray(int place) {
    List<?> elements = (List<?>) values.get(place);
    ColumnVector vector = new ListVector(((ArrayType) type).getElementType(), elements);
    return new ArrayValue() {
      @Override
      public int getSize() {
        return elements.size();
      }

      @Override
      public ColumnVector getElements() {
        return vector;
      }
    };
  }

  @Override
  public ColumnVector getChild(int field) {
    List<Object> column = new ArrayList<>();
    for (Object structure : values) {
      column.add(structure == null ? null : ((List<?>) structure).get(field));
    }
    return new ListVector(((StructType) type).at(field).getDataType(), column);
  }
}
