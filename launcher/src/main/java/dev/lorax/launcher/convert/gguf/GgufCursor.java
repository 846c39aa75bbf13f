package dev.lorax.launcher.convert.gguf;

import dev.lorax.launcher.convert.ConversionException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads the head of a GGUF file in order; every length is checked against what is left. */
final class GgufCursor {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment file;
  private long position;

  GgufCursor(MemorySegment file) {
    this.file = file;
  }

  long position() {
    return position;
  }

  int int8() throws ConversionException {
    return file.get(ValueLayout.JAVA_BYTE, advance(1));
  }

  int int16() throws ConversionException {
    return file.get(SHORT, advance(2));
  }

  int int32() throws ConversionException {
    return file.get(INT, advance(4));
  }

  long int64() throws ConversionException {
    return file.get(LONG, advance(8));
  }

  /** A count of things that take at least one byte each. */
  long count(String what) throws ConversionException {
    long count = int64();
    if (count < 0 || count > file.byteSize() - position) {
      throw ConversionException.corrupt(
          "not a whole GGUF file: %s is %d at byte %d of %d"
              .formatted(what, count, position, file.byteSize()));
    }
    return count;
  }

  String string() throws ConversionException {
    long length = count("a string's length");
    var bytes = new byte[Math.toIntExact(length)];
    MemorySegment.copy(file, ValueLayout.JAVA_BYTE, advance(length), bytes, 0, bytes.length);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A metadata value; type numbers are GGUF's {@code gguf_metadata_value_type}. */
  Object value(int type) throws ConversionException {
    return switch (type) {
      case 0 -> (long) (int8() & 0xFF);
      case 1 -> (long) int8();
      case 2 -> (long) (int16() & 0xFFFF);
      case 3 -> (long) int16();
      case 4 -> int32() & 0xFFFFFFFFL;
      case 5 -> (long) int32();
      case 6 -> (double) Float.intBitsToFloat(int32());
      case 7 -> int8() != 0;
      case 8 -> string();
      case 9 -> array();
      case 10, 11 -> int64();
      case 12 -> Double.longBitsToDouble(int64());
      default ->
          throw ConversionException.unsupported(
              "unknown GGUF value type %d at byte %d".formatted(type, position));
    };
  }

  private List<Object> array() throws ConversionException {
    int elementType = int32();
    long length = count("an array's length");
    List<Object> elements = new ArrayList<>(Math.toIntExact(length));
    for (long i = 0; i < length; i++) {
      elements.add(value(elementType));
    }
    return elements;
  }

  private long advance(long bytes) throws ConversionException {
    long from = position;
    if (bytes > file.byteSize() - from) {
      throw ConversionException.corrupt(
          "not a whole GGUF file: it ends at byte %d, %d more needed at %d"
              .formatted(file.byteSize(), bytes, from));
    }
    position += bytes;
    return from;
  }
}
