package dev.lorax.launcher.convert.safetensors;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.convert.ConversionException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SafetensorsFileTest {

  private static final String TWO =
      """
      {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
       "b": {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]},
       "__metadata__": {"format": "pt"}}
      """;

  @TempDir private Path directory;

  private Path file(byte[] content) throws Exception {
    return Files.write(directory.resolve("model.safetensors"), content);
  }

  private static byte[] content(String header, int dataBytes) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + text.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  @Test
  void accepts_a_whole_file_and_refuses_every_shorter_one() throws Exception {
    // given
    byte[] whole = content(TWO, 26);

    // then
    Path file = file(whole);
    assertThatCode(() -> SafetensorsFile.check(file)).doesNotThrowAnyException();
    for (int bytes = 0; bytes < whole.length; bytes++) {
      file(Arrays.copyOf(whole, bytes));
      assertThatThrownBy(() -> SafetensorsFile.check(file))
          .isInstanceOf(ConversionException.class)
          .hasMessageContaining("is cut off: expected ")
          .hasMessageContaining(" bytes, got %d; copy or download it again", bytes);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}|5|its header describes 66 bytes, got 67",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}|4|tensor a of 8 bytes has room for 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}|8|tensor a begins at byte 4 of the data, expected 0",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}|4|tensor a has no data_offsets",
        "[]|0|its header is not a JSON object",
        "{\"a\":|0|its header is not JSON",
      })
  void refuses_a_header_that_does_not_fit(String header, int dataBytes, String how)
      throws Exception {
    // given
    Path file = file(content(header, dataBytes));

    // then
    assertThatThrownBy(() -> SafetensorsFile.check(file))
        .hasMessage(
            "weights file %s is not a safetensors file or is damaged: %s; copy or download it again",
            file, how);
  }

  @Test
  void names_a_git_lfs_pointer_and_a_web_page() throws Exception {
    // then
    Path file = file("version https://git-lfs.github.com/spec/v1\noid sha256:00\n".getBytes());
    assertThatThrownBy(() -> SafetensorsFile.check(file)).hasMessageContaining("git lfs pull");
    file("<!DOCTYPE html><html></html>".getBytes());
    assertThatThrownBy(() -> SafetensorsFile.check(file))
        .hasMessageContaining("not a safetensors file");
  }
}
