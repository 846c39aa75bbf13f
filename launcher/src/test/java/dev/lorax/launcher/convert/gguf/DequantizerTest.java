package dev.lorax.launcher.convert.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Bits of 2048 values against gguf-py 0.19, whose {@code dequantize} was given the same blocks; the
 * checksums are CRC-32 of its little-endian float32 output.
 */
final class DequantizerTest {

  private static final int ELEMENTS = 2048;

  /** A float16 whose high byte is 0x2C to 0x2F lies between 1/16 and 1/8. */
  private static final int SCALE = 0x2C;

  @ParameterizedTest
  @CsvSource({
    "F16, 1b85cd89, 0",
    "F32, 5eead4d, 2",
    "BF16, 97921453, 0",
    "Q4_0, 8c19d233, 0",
    "Q4_1, 4aa419a2, 0 2",
    "Q5_0, 35868287, 0",
    "Q5_1, eb83886c, 0 2",
    "Q8_0, a4f3d9a1, 0",
    "Q4_K, b5a802c5, 0 2",
    "Q6_K, 37ea18e2, 208",
  })
  void equals_gguf_py_to_the_bit(GgmlType type, String checksum, String scales) {
    // given
    byte[] blocks = blocks(type, scales);
    var values = new float[ELEMENTS];

    // when
    Dequantizer.row(type, blocks, values);

    // then
    assertThat(Long.toHexString(crc(values))).isEqualTo(checksum);
  }

  /** Bytes of a linear congruential generator; the block's scales are kept finite. */
  private static byte[] blocks(GgmlType type, String scales) {
    var blocks = new byte[ELEMENTS / type.blockElements() * type.blockBytes()];
    int state = 12345;
    for (int i = 0; i < blocks.length; i++) {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      blocks[i] = (byte) (state >> 16);
    }
    for (int block = 0; block < blocks.length; block += type.blockBytes()) {
      for (var scale : scales.split(" ", -1)) {
        int high = block + Integer.parseInt(scale) + 1;
        blocks[high] = (byte) (SCALE | (blocks[high] & 0x0F));
      }
    }
    return blocks;
  }

  private static long crc(float[] values) {
    var bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    var crc = new CRC32();
    crc.update(bytes);
    return crc.getValue();
  }
}
