package dev.lorax.launcher.download;

import java.io.IOException;
import java.io.InputStream;

/** Where the bytes of remote files come from. Called from several threads at once. */
public interface RemoteSource {

  /**
   * Opens a file at an offset in bytes. A source that cannot do so opens it at 0 and says so.
   *
   * @throws BusyException when the source asks to come back later
   * @throws IOException when trying again may help
   * @throws DownloadException when it will not
   */
  Body open(RemoteFile file, long offset)
      throws IOException, DownloadException, InterruptedException;

  /**
   * The rest of a file.
   *
   * @param bytes may be closed by another thread, which must end a blocked read
   * @param offset of the first byte in the file
   */
  record Body(InputStream bytes, long offset) {}
}
