package dev.lorax.launcher.convert.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

final class StoredZipTest {

  private static String content(byte[] zip, String name) throws Exception {
    var entry =
        Objects.requireNonNull(StoredZip.read(MemorySegment.ofArray(zip)).entries().get(name));
    return new String(entry.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  /** The records that appear when sizes and offsets outgrow 32 bits, here around a small file. */
  @Test
  void reads_zip64_records() throws Exception {
    // given
    var zip = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
    zip.putInt(0x04034b50).put(new byte[22]).putShort((short) 1).putShort((short) 3);
    zip.put("a".getBytes(StandardCharsets.UTF_8)).put(new byte[3]);
    zip.put("weights".getBytes(StandardCharsets.UTF_8));
    int central = zip.position();
    zip.putInt(0x02014b50).put(new byte[16]).putInt(-1).putInt(-1);
    zip.putShort((short) 1).putShort((short) 33).putShort((short) 0).put(new byte[8]).putInt(-1);
    zip.put("a".getBytes(StandardCharsets.UTF_8));
    zip.putShort((short) 0x7777).putShort((short) 1).put((byte) 9);
    zip.putShort((short) 1).putShort((short) 24).putLong(7).putLong(7).putLong(0);
    int end64 = zip.position();
    zip.putInt(0x06064b50).putLong(44).put(new byte[12]).putLong(1).putLong(1);
    zip.putLong(end64 - central).putLong(central);
    zip.putInt(0x07064b50).putInt(0).putLong(end64).putInt(1);
    zip.putInt(0x06054b50).putInt(0).putShort((short) -1).putShort((short) -1);
    zip.putInt(-1).putInt(-1).putShort((short) 0);
    var bytes = new byte[zip.flip().remaining()];
    zip.get(bytes);

    // then
    assertThat(content(bytes, "a")).isEqualTo("weights");
  }

  @Test
  void finds_the_directory_before_a_comment() throws Exception {
    // given
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      zip.setComment("made by hand");
      var entry = new ZipEntry("a");
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(2);
      entry.setCrc(crc("hi"));
      zip.putNextEntry(entry);
      zip.write("hi".getBytes(StandardCharsets.UTF_8));
    }

    // then
    assertThat(content(bytes.toByteArray(), "a")).isEqualTo("hi");
  }

  private static long crc(String text) {
    var crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  @Test
  void refuses_compressed_entries() throws Exception {
    // given
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("archive/data/0"));
      zip.write(new byte[100]);
    }

    // then
    assertThatThrownBy(() -> content(bytes.toByteArray(), "archive/data/0"))
        .hasMessage(
            "holds archive/data/0 compressed, which torch.save never does: unpack it and zip it with zip -0");
  }
}
