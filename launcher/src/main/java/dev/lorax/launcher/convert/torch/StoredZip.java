package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A zip file whose entries are stored, not compressed, so that each is a piece of the mapped file.
 *
 * <p>Read by its central directory, as torch does; offsets are those of PKWARE's APPNOTE 6.3. The
 * JDK's reader would do but for one thing: it streams entries, and a view of a tensor needs to jump
 * about in them.
 */
final class StoredZip {

  private static final int END_BYTES = 22;
  private static final int MAX_COMMENT_BYTES = 0xFFFF;
  private static final int END = 0x06054b50;
  private static final int END64_LOCATOR = 0x07064b50;
  private static final int END64_LOCATOR_BYTES = 20;
  private static final int END64 = 0x06064b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int CENTRAL_BYTES = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final int ZIP64_EXTRA = 1;
  private static final long IN_ZIP64_EXTRA = 0xFFFFFFFFL;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment file;
  private final Map<String, MemorySegment> stored = new HashMap<>();
  private final Set<String> compressed = new TreeSet<>();

  private StoredZip(MemorySegment file) {
    this.file = file;
  }

  static StoredZip read(MemorySegment file) throws ConversionException {
    var zip = new StoredZip(file);
    try {
      zip.readDirectory();
    } catch (IndexOutOfBoundsException e) {
      throw ConversionException.corrupt(
          "is damaged: its zip directory points outside its %d bytes".formatted(file.byteSize()));
    }
    return zip;
  }

  /** Whether there is an entry whose name ends so. */
  boolean hasEntry(String suffix) {
    return Stream.concat(stored.keySet().stream(), compressed.stream())
        .anyMatch(name -> name.endsWith(suffix));
  }

  /** Pieces of the mapped file by entry name. */
  Map<String, MemorySegment> entries() throws ConversionException {
    for (var name : compressed) {
      throw ConversionException.unsupported(
          "holds %s compressed, which torch.save never does: unpack it and zip it with zip -0"
              .formatted(name));
    }
    return Map.copyOf(stored);
  }

  private void readDirectory() throws ConversionException {
    long end = findEnd();
    long count = uint16(end + 10);
    long at = uint32(end + 16);
    long locator = end - END64_LOCATOR_BYTES;
    if (locator >= 0 && file.get(INT, locator) == END64_LOCATOR) {
      long end64 = file.get(LONG, locator + 8);
      require(END64, end64);
      count = file.get(LONG, end64 + 32);
      at = file.get(LONG, end64 + 48);
    }
    for (long i = 0; i < count; i++) {
      require(CENTRAL, at);
      int nameBytes = uint16(at + 28);
      int extraBytes = uint16(at + 30);
      String name = text(at + CENTRAL_BYTES, nameBytes);
      if (uint16(at + 10) == 0) {
        stored.put(name, entry(at, at + CENTRAL_BYTES + nameBytes, extraBytes));
      } else {
        compressed.add(name);
      }
      at += CENTRAL_BYTES + nameBytes + extraBytes + uint16(at + 32);
    }
  }

  /** The last record of the file, before a comment that may be empty. */
  private long findEnd() throws ConversionException {
    long last = file.byteSize() - END_BYTES;
    for (long at = last; at >= 0 && at >= last - MAX_COMMENT_BYTES; at--) {
      if (file.get(INT, at) == END && at + END_BYTES + uint16(at + 20) == file.byteSize()) {
        return at;
      }
    }
    throw ConversionException.corrupt(
        "is cut off: %d bytes, and no zip directory at their end; copy or download it again"
            .formatted(file.byteSize()));
  }

  private MemorySegment entry(long central, long extra, int extraBytes) throws ConversionException {
    long bytes = uint32(central + 24);
    long local = uint32(central + 42);
    long wide = zip64Extra(extra, extraBytes);
    if (bytes == IN_ZIP64_EXTRA) {
      bytes = file.get(LONG, wide);
      wide += Long.BYTES;
    }
    if (uint32(central + 20) == IN_ZIP64_EXTRA) {
      wide += Long.BYTES;
    }
    if (local == IN_ZIP64_EXTRA) {
      local = file.get(LONG, wide);
    }
    require(LOCAL, local);
    long data = local + LOCAL_BYTES + uint16(local + 26) + uint16(local + 28);
    return file.asSlice(data, bytes);
  }

  /** Where the 64-bit values of an entry start; outside the file if it has none. */
  private long zip64Extra(long at, int bytes) {
    long end = at + bytes;
    while (at + 4 <= end) {
      if (uint16(at) == ZIP64_EXTRA) {
        return at + 4;
      }
      at += 4 + uint16(at + 2);
    }
    return file.byteSize();
  }

  private void require(int signature, long at) throws ConversionException {
    if (file.get(INT, at) != signature) {
      throw ConversionException.corrupt(
          "is damaged: no zip record %08x at byte %d".formatted(signature, at));
    }
  }

  private String text(long at, int bytes) {
    return new String(
        file.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private int uint16(long at) {
    return Short.toUnsignedInt(file.get(SHORT, at));
  }

  private long uint32(long at) {
    return Integer.toUnsignedLong(file.get(INT, at));
  }
}
