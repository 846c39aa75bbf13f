package dev.lorax.launcher.convert.gguf;

/**
 * Blocks of ggml's types to float32.
 *
 * <p>The order of the float operations is that of gguf-py's {@code quants.py}, on which
 * transformers stands: the result is the same to the bit.
 */
final class Dequantizer {

  private static final int NIBBLE = 0x0F;
  private static final int HALF_BLOCK = 16;

  private Dequantizer() {}

  /** Fills the row from its blocks, which start at index 0. */
  static void row(GgmlType type, byte[] blocks, float[] row) {
    int count = row.length / type.blockElements();
    for (int block = 0; block < count; block++) {
      int at = block * type.blockBytes();
      int to = block * type.blockElements();
      switch (type) {
        case F32 -> row[to] = Float.intBitsToFloat(int32(blocks, at));
        case F16 -> row[to] = half(blocks, at);
        case BF16 -> row[to] = Float.intBitsToFloat(uint16(blocks, at) << 16);
        case Q4_0 -> q4(half(blocks, at), blocks, at + 2, row, to);
        case Q4_1 -> q4(half(blocks, at), half(blocks, at + 2), blocks, at + 4, row, to);
        case Q5_0 -> q5(half(blocks, at), blocks, at + 2, row, to);
        case Q5_1 -> q5(half(blocks, at), half(blocks, at + 2), blocks, at + 4, row, to);
        case Q8_0 -> q8(half(blocks, at), blocks, at + 2, row, to);
        case Q4_K -> q4k(blocks, at, row, to);
        case Q6_K -> q6k(blocks, at, row, to);
      }
    }
  }

  private static void q4(float scale, byte[] blocks, int at, float[] row, int to) {
    for (int i = 0; i < HALF_BLOCK; i++) {
      row[to + i] = scale * ((blocks[at + i] & NIBBLE) - 8);
      row[to + HALF_BLOCK + i] = scale * (((blocks[at + i] >> 4) & NIBBLE) - 8);
    }
  }

  private static void q4(float scale, float min, byte[] blocks, int at, float[] row, int to) {
    for (int i = 0; i < HALF_BLOCK; i++) {
      row[to + i] = scale * (blocks[at + i] & NIBBLE) + min;
      row[to + HALF_BLOCK + i] = scale * ((blocks[at + i] >> 4) & NIBBLE) + min;
    }
  }

  private static void q5(float scale, byte[] blocks, int at, float[] row, int to) {
    int high = int32(blocks, at);
    for (int i = 0; i < 2 * HALF_BLOCK; i++) {
      row[to + i] = scale * (fiveBits(blocks, at + 4, high, i) - 16);
    }
  }

  private static void q5(float scale, float min, byte[] blocks, int at, float[] row, int to) {
    int high = int32(blocks, at);
    for (int i = 0; i < 2 * HALF_BLOCK; i++) {
      row[to + i] = scale * fiveBits(blocks, at + 4, high, i) + min;
    }
  }

  /** Low nibbles hold the first half of the block, high nibbles the second; bit 4 lies apart. */
  private static int fiveBits(byte[] blocks, int at, int high, int i) {
    int low = (blocks[at + i % HALF_BLOCK] >> (i / HALF_BLOCK * 4)) & NIBBLE;
    return low | (((high >>> i) & 1) << 4);
  }

  private static void q8(float scale, byte[] blocks, int at, float[] row, int to) {
    for (int i = 0; i < 2 * HALF_BLOCK; i++) {
      row[to + i] = blocks[at + i] * scale;
    }
  }

  /** Eight groups of 32, each with a 6-bit scale and a 6-bit minimum. */
  private static void q4k(byte[] blocks, int at, float[] row, int to) {
    float superScale = half(blocks, at);
    float superMin = half(blocks, at + 2);
    int packed = at + 4;
    int quants = at + 16;
    for (int group = 0; group < 8; group++) {
      float scale = superScale * sixBits(blocks, packed, packed + 8, group, 0);
      float min = superMin * sixBits(blocks, packed + 4, packed + 8, group, 4);
      int from = quants + group / 2 * 32;
      int shift = group % 2 * 4;
      for (int i = 0; i < 32; i++) {
        row[to + group * 32 + i] = scale * ((blocks[from + i] >> shift) & NIBBLE) - min;
      }
    }
  }

  /**
   * Groups 0-3 sit in the low six bits of a byte; 4-7 are put together from a nibble and the rest.
   */
  private static int sixBits(byte[] blocks, int low, int nibbles, int group, int nibbleShift) {
    if (group < 4) {
      return blocks[low + group] & 0x3F;
    }
    int nibble = (blocks[nibbles + group - 4] >> nibbleShift) & NIBBLE;
    return nibble | (((blocks[low + group - 4] & 0xFF) >> 2) & 0x30);
  }

  /** Two halves of four groups of 32; sixteen 8-bit scales, one for every 16 elements. */
  private static void q6k(byte[] blocks, int at, float[] row, int to) {
    int highBits = at + 128;
    int scales = at + 192;
    float superScale = half(blocks, at + 208);
    for (int group = 0; group < 8; group++) {
      int halfBlock = group / 4;
      int quarter = group % 4;
      int lowFrom = at + halfBlock * 64 + quarter % 2 * 32;
      int highFrom = highBits + halfBlock * 32;
      for (int i = 0; i < 32; i++) {
        int low = (blocks[lowFrom + i] >> (quarter / 2 * 4)) & NIBBLE;
        int high = (blocks[highFrom + i] >> (quarter * 2)) & 3;
        int element = group * 32 + i;
        float scale = superScale * blocks[scales + element / 16];
        row[to + element] = scale * ((low | (high << 4)) - 32);
      }
    }
  }

  private static float half(byte[] blocks, int at) {
    return Float.float16ToFloat((short) uint16(blocks, at));
  }

  private static int uint16(byte[] blocks, int at) {
    return (blocks[at] & 0xFF) | ((blocks[at + 1] & 0xFF) << 8);
  }

  private static int int32(byte[] blocks, int at) {
    return uint16(blocks, at) | (uint16(blocks, at + 2) << 16);
  }
}
