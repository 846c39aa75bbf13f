package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.safetensors.SafetensorsDtype;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Element types of tensors that can be converted. */
enum TorchDtype {
  FLOAT32("float32", "FloatStorage", SafetensorsDtype.F32, 0x7F800000L),
  FLOAT64("float64", "DoubleStorage", SafetensorsDtype.F64, 0x7FF0000000000000L),
  FLOAT16("float16", "HalfStorage", SafetensorsDtype.F16, 0x7C00),
  BFLOAT16("bfloat16", "BFloat16Storage", SafetensorsDtype.BF16, 0x7F80),
  /** Has no infinity, and one NaN of each sign. */
  FLOAT8_E4M3FN("float8_e4m3fn", null, SafetensorsDtype.F8_E4M3, 0x7F),
  FLOAT8_E5M2("float8_e5m2", null, SafetensorsDtype.F8_E5M2, 0x7C),
  INT64("int64", "LongStorage", SafetensorsDtype.I64, 0),
  INT32("int32", "IntStorage", SafetensorsDtype.I32, 0),
  INT16("int16", "ShortStorage", SafetensorsDtype.I16, 0),
  INT8("int8", "CharStorage", SafetensorsDtype.I8, 0),
  UINT64("uint64", null, SafetensorsDtype.U64, 0),
  UINT32("uint32", null, SafetensorsDtype.U32, 0),
  UINT16("uint16", null, SafetensorsDtype.U16, 0),
  UINT8("uint8", "ByteStorage", SafetensorsDtype.U8, 0),
  BOOL("bool", "BoolStorage", SafetensorsDtype.BOOL, 0);

  private final String torchName;
  private final @Nullable String storageName;
  private final SafetensorsDtype safetensors;

  /** All of these bits are set in NaN and infinity and in no other value; 0 for integers. */
  private final long nonFiniteBits;

  TorchDtype(
      String torchName,
      @Nullable String storageName,
      SafetensorsDtype safetensors,
      long nonFiniteBits) {
    this.torchName = torchName;
    this.storageName = storageName;
    this.safetensors = safetensors;
    this.nonFiniteBits = nonFiniteBits;
  }

  /** As in {@code torch.float32}. */
  String torchName() {
    return torchName;
  }

  /** As in {@code torch.FloatStorage}; types newer than typed storages have none. */
  @Nullable String storageName() {
    return storageName;
  }

  SafetensorsDtype safetensors() {
    return safetensors;
  }

  int bytes() {
    return safetensors.bytes();
  }

  /** Whether a little-endian buffer of whole elements holds neither NaN nor infinity. */
  boolean allFinite(ByteBuffer elements) {
    if (nonFiniteBits == 0) {
      return true;
    }
    int end = elements.limit();
    for (int at = elements.position(); at < end; at += bytes()) {
      if ((element(elements, at) & nonFiniteBits) == nonFiniteBits) {
        return false;
      }
    }
    return true;
  }

  private long element(ByteBuffer elements, int at) {
    return switch (bytes()) {
      case 1 -> elements.get(at);
      case 2 -> elements.getShort(at);
      case 4 -> elements.getInt(at);
      default -> elements.getLong(at);
    };
  }
}
