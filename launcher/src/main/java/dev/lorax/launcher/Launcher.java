package dev.lorax.launcher;

import dev.lorax.launcher.members.MemberException;
import dev.lorax.launcher.members.Monitor;
import dev.lorax.launcher.members.Router;
import dev.lorax.launcher.members.Shards;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.model.ModelException;
import dev.lorax.launcher.model.ModelStore;
import dev.lorax.launcher.preflight.Preflight;
import dev.lorax.launcher.preflight.PreflightException;
import dev.lorax.launcher.status.LauncherStatus;

/** The launcher's whole life, the same on a laptop and in a pod. */
final class Launcher {

  private final ModelStore models;
  private final Preflight preflight;
  private final Shards shards;
  private final Router router;
  private final LauncherStatus status;

  Launcher(
      ModelStore models, Preflight preflight, Shards shards, Router router, LauncherStatus status) {
    this.models = models;
    this.preflight = preflight;
    this.shards = shards;
    this.router = router;
    this.status = status;
  }

  /** Never returns normally. An interrupt stops it, a second one hurries. */
  void run() throws ModelException, PreflightException, MemberException, InterruptedException {
    try {
      ModelDirectory model = models.downloadAndConvert();
      status.modelReady();
      preflight.checkModel(model.maxPositionEmbeddings());
      shards.start(model);
      shards.awaitReady(model);
      router.start(model);
      new Monitor(shards, router).watch(model);
    } finally {
      stopInReverse();
    }
  }

  private void stopInReverse() {
    status.stopping();
    router.stop();
    shards.stop();
    shards.removeSockets();
  }
}
