package dev.lorax.launcher.convert.torch;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.convert.ConversionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is in the file, the answer is weights or one sentence. */
final class BrokenCheckpointTest {

  @TempDir private Path directory;

  private Path file(byte[] content) throws Exception {
    return Files.write(directory.resolve("pytorch_model.bin"), content);
  }

  @Test
  void a_file_that_is_cut_off_anywhere_is_refused() throws Exception {
    // given
    byte[] whole = Files.readAllBytes(Fixtures.path("protocol2.bin"));

    // then
    for (int bytes = 0; bytes < whole.length; bytes++) {
      Path file = file(Arrays.copyOf(whole, bytes));
      assertThatThrownBy(() -> TorchCheckpoint.open(file))
          .isInstanceOf(ConversionException.class)
          .hasMessageStartingWith("weights file " + file + " is ");
    }
  }

  @Test
  void says_how_many_bytes_are_left_of_a_download_that_broke_off() throws Exception {
    // given
    byte[] whole = Files.readAllBytes(Fixtures.path("protocol2.bin"));
    Path file = file(Arrays.copyOf(whole, 900));

    // then
    assertThatThrownBy(() -> TorchCheckpoint.open(file))
        .hasMessage(
            "weights file %s is cut off: 900 bytes, and no zip directory at their end; copy or download it again",
            file);
  }

  @Test
  void a_git_lfs_pointer_is_named() throws Exception {
    // given
    Path file = file("version https://git-lfs.github.com/spec/v1\noid sha256:00\n".getBytes());

    // then
    assertThatThrownBy(() -> TorchCheckpoint.open(file))
        .hasMessage(
            "weights file %s is a Git LFS pointer instead of weights: run git lfs pull where it was cloned",
            file);
  }

  /** Never another exception, and never an endless loop or a heap full of nothing. */
  @Property(tries = 2000)
  void a_changed_byte_is_harmless(@ForAll @IntRange(max = 1 << 20) int at, @ForAll byte value)
      throws Exception {
    // given
    byte[] content = Files.readAllBytes(Fixtures.path("tied.bin"));
    content[at % content.length] = value;
    Path file = Files.createTempFile("checkpoint", ".bin");

    // then
    try {
      Files.write(file, content);
      assertThatCode(() -> openOrRefuse(file)).doesNotThrowAnyException();
    } finally {
      Files.delete(file);
    }
  }

  private static void openOrRefuse(Path file) throws Exception {
    try {
      TorchCheckpoint.open(file);
    } catch (ConversionException refused) {
      // One of the two answers.
    }
  }
}
