package dev.lorax.launcher.faults;

import java.nio.file.Files;
import java.nio.file.Path;

/** What may be wrong with the volume of the cache. The launcher alone sees it mounted. */
enum VolumeTrouble implements Fault {
  TOO_SMALL("the disk is too small for the model") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote();
      mount(scene, "mount -t tmpfs -o size=3m tmpfs");
    }
  },
  FILLED("others fill the disk") {
    @Override
    public void prepare(Scene scene) throws Exception {
      mount(scene, "mount -t tmpfs -o size=80m tmpfs");
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
      readOnly(scene);
    }
  },
  READ_ONLY_BUT_FILLED("the cache is read-only and holds the model") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.fillCache();
      readOnly(scene);
    }
  };

  private final String words;

  VolumeTrouble(String words) {
    this.words = words;
  }

  private static void readOnly(Scene scene) throws Exception {
    mount(scene, "mount --bind %1$s %1$s && mount -o remount,bind,ro");
  }

  private static void mount(Scene scene, String command) throws Exception {
    Path cache = Files.createDirectories(scene.processes().cache());
    scene.line().mount(command.formatted(cache) + " " + cache);
  }

  @Override
  public void strike(Scene scene) throws Exception {
    scene.startLauncher();
    scene.startContainersForModel();
  }

  @Override
  public boolean endsTheWait() {
    return false;
  }

  @Override
  public String toString() {
    return words;
  }
}
