package dev.lorax.launcher.faults;

import dev.lorax.launcher.testing.hub.HubFault;
import dev.lorax.launcher.testing.hub.HubRepo;
import dev.lorax.launcher.testing.hub.HubServer;
import dev.lorax.launcher.testing.hub.TinyModel;
import java.io.IOException;

/** A model on a hub, from where the launcher is to download it. */
final class RemoteModel implements AutoCloseable {

  static final int SHARD_BYTES = 1 << 20;

  private static final String ID = "org/tiny";
  private static final String SHARD = "model-00001-of-00002.safetensors";

  /** The first piece of each file comes, the next would in hours. */
  private static final int HELD = 1;

  private static final int FIRST_PIECE_BYTES = 16 << 10;

  private final HubServer hub;
  private final HubRepo repo;

  private RemoteModel(HubServer hub) {
    this.hub = hub;
    this.repo = TinyModel.sharded(hub.repo(ID), SHARD_BYTES);
  }

  static RemoteModel of(LauncherLine line) throws IOException {
    var remote = new RemoteModel(HubServer.start());
    line.model(ID);
    line.variable("HF_ENDPOINT", remote.hub.endpoint());
    line.variable("NO_PROXY", "*");
    // Longer than any case, so that a download that is held does not count as stalled.
    line.variable("HF_HUB_DOWNLOAD_TIMEOUT", "600");
    return remote;
  }

  HubRepo repo() {
    return repo;
  }

  /** What happens to the listing of the files, one answer after the other. */
  void listing(HubFault... troubles) {
    hub.script("api", troubles);
  }

  /** What happens to the first file of weights, one answer after the other. */
  void weights(HubFault... troubles) {
    hub.script(SHARD, troubles);
  }

  /** Both files of weights come at this pace. */
  void pace(long bytesPerSecond) {
    hub.pace(bytesPerSecond);
  }

  /** Downloads begin, but do not end before {@link #release}. */
  void hold() {
    hub.pace(HELD);
  }

  void release() {
    hub.pace(0);
  }

  /** Whether both files of weights are on their way. */
  boolean isDownloading() {
    long asked = hub.requests().stream().filter(request -> request.startsWith("GET store")).count();
    return asked >= 2 && hub.sentBytes() >= 2L * FIRST_PIECE_BYTES;
  }

  @Override
  public void close() {
    hub.close();
  }
}
