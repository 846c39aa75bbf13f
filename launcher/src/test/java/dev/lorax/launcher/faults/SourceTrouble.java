package dev.lorax.launcher.faults;

import dev.lorax.launcher.testing.hub.HubFault;
import dev.lorax.launcher.testing.hub.HubRepo.Access;
import dev.lorax.launcher.testing.hub.HubServer;
import java.util.Collections;
import java.util.Map;

/** What may be wrong with the hub that a model comes from, or with what one asks of it. */
enum SourceTrouble implements AtStart {
  UNREACHABLE("the hub cannot be reached") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().close();
    }
  },
  UNREACHABLE_BUT_CACHED("the hub cannot be reached, the cache holds the model") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.fillCache();
      scene.remote().close();
    }
  },
  OFFLINE("`HF_HUB_OFFLINE` is set, the cache does not hold the model") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote();
      scene.line().variable("HF_HUB_OFFLINE", "1");
    }
  },
  FAILS_ONCE("the hub fails once") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().listing(unavailable());
    }
  },
  FAILS("the hub fails again and again") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().listing(Collections.nCopies(100, unavailable()).toArray(HubFault[]::new));
    }
  },
  CUTS("the hub cuts a download off") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().weights(new HubFault.Cut(RemoteModel.SHARD_BYTES / 2));
    }
  },
  FALLS_SILENT("the hub falls silent in the middle of a file") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().weights(new HubFault.Stall(RemoteModel.SHARD_BYTES / 2));
      scene.line().variable("HF_HUB_DOWNLOAD_TIMEOUT", "3");
    }
  },
  SLOW("the hub is slow") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().pace(RemoteModel.SHARD_BYTES / 3);
    }
  },
  DAMAGES_ONCE("a file arrives damaged") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().weights(new HubFault.Corrupt());
    }
  },
  DAMAGES("a file arrives damaged again and again") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().weights(new HubFault.Corrupt(), new HubFault.Corrupt());
    }
  },
  WRONG_TOKEN("the hub does not know the token") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote();
      scene.line().variable("HF_TOKEN", "hf_mistyped");
    }
  },
  GATED("the model is gated, and there is no token") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().repo().access(Access.GATED);
    }
  },
  GATED_FOR_ACCOUNT("the model is gated, the token's account has not accepted its terms") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote().repo().access(Access.GATED);
      scene.line().variable("HF_TOKEN", HubServer.TOKEN_OF_ANOTHER);
    }
  },
  NO_MODEL("the hub has no such model") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote();
      scene.line().model("org/tyni");
    }
  },
  NO_REVISION("the model has no such revision") {
    @Override
    public void prepare(Scene scene) throws Exception {
      scene.remote();
      scene.line().model("org/tiny@v7");
    }
  };

  private final String words;

  SourceTrouble(String words) {
    this.words = words;
  }

  /** At once is when the client may ask again, so that no case waits. */
  private static HubFault unavailable() {
    return new HubFault.Status(503, Map.of("Retry-After", "0"));
  }

  @Override
  public String toString() {
    return words;
  }
}
