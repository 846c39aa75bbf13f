package dev.lorax.launcher.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What may be wrong with the volume of the cache. The launcher alone sees it mounted. */
enum VolumeTrouble implements AtStart {
  TOO_SMALL("the disk is too small for the model") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote();
      scene.line().mount(Mounts.small(cache(scene), "3m"));
    }
  },
  FILLED("others fill the disk") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.line().mount(Mounts.small(cache(scene), "80m"));
    }

    @Override
    public void strike(Scene scene) throws Exception {
      scene.fillDisk();
      scene.release();
    }
  },
  READ_ONLY("the cache is read-only") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote();
      scene.line().mount(Mounts.readOnly(cache(scene)));
    }
  },
  READ_ONLY_BUT_FILLED("the cache is read-only and holds the model") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.fillCache();
      scene.line().mount(Mounts.readOnly(cache(scene)));
    }
  };

  private final String words;

  VolumeTrouble(String words) {
    this.words = words;
  }

  private static Path cache(Scene scene) throws IOException {
    return Files.createDirectories(scene.processes().cache());
  }

  @Override
  public String toString() {
    return words;
  }
}
