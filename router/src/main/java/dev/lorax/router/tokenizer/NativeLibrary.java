package dev.lorax.router.tokenizer;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The native half of the tokenizer, taken from the class path. The library's own way to load it
 * looks for CUDA first, with the help of another native library, and might then download a third:
 * that took half as long as reading the tokenizer.
 */
final class NativeLibrary {
  private NativeLibrary() {}

  /** Loads it; a second time does nothing. */
  static void load(Machine machine) throws IOException {
    String name = System.mapLibraryName("tokenizers");
    String resource = "native/lib/%s/cpu/%s".formatted(machine.folder(), name);
    URL source = NativeLibrary.class.getClassLoader().getResource(resource);
    if (source == null) {
      throw new IOException("no tokenizer library for this machine: " + resource);
    }
    Path folder = machine.home().resolve(".cache/lorax/native").resolve(checksum(source));
    System.load(unpacked(source, folder.toAbsolutePath().resolve(name)).toString());
  }

  /** So that another version of the library has another folder. */
  private static String checksum(URL source) throws IOException {
    URLConnection connection = source.openConnection();
    long checksum =
        connection instanceof JarURLConnection jar
            ? jar.getJarEntry().getCrc()
            : connection.getContentLengthLong();
    return Long.toHexString(checksum);
  }

  private static Path unpacked(URL source, Path library) throws IOException {
    if (Files.exists(library)) {
      return library;
    }
    try {
      unpack(source, library);
      return library;
    } catch (FileSystemException homeIsNotOurs) {
      Path once = Files.createTempDirectory("lorax-native").resolve(library.getFileName());
      unpack(source, once);
      return once;
    }
  }

  /** Other routers may start at the same time: none of them ever sees half a library. */
  private static void unpack(URL source, Path library) throws IOException {
    Path folder = Files.createDirectories(library.getParent());
    Path part = Files.createTempFile(folder, "part", null);
    try (var content = source.openStream()) {
      Files.copy(content, part, StandardCopyOption.REPLACE_EXISTING);
      Files.move(part, library, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
  }
}
