package dev.lorax.launcher.faults;

import java.util.List;
import java.util.stream.Stream;

/** When a fault strikes: the launcher is held there by what its members were told to wait for. */
enum Moment {
  /** Before the launcher starts; it meets the fault wherever it does. */
  START("start") {
    @Override
    void reach(Scene scene) {}
  },
  DOWNLOADING("Downloading") {
    @Override
    void reach(Scene scene) throws Exception {
      scene.remote().hold();
      scene.start();
      scene.awaitDownload();
      scene.awaitPhase(toString());
      scene.awaitAttached();
    }
  },
  /** The part of the phase Downloading that needs no network. */
  CONVERTING("Converting") {
    @Override
    void reach(Scene scene) throws Exception {
      scene.line().model(Originals.gguf().toString());
      scene.freezeConversion();
    }
  },
  SHARDS_LOADING("ShardsLoading") {
    @Override
    void reach(Scene scene) throws Exception {
      scene.hold("shard-0-mute");
      scene.hold("shard-1-mute");
      scene.start();
      scene.awaitStarted("shard-1");
      scene.awaitPhase(toString());
    }
  },
  ROUTER_STARTING("RouterStarting") {
    @Override
    void reach(Scene scene) throws Exception {
      scene.hold("router-mute");
      scene.start();
      scene.awaitStarted("router");
      scene.awaitPhase(toString());
    }
  },
  SERVING("Serving") {
    @Override
    void reach(Scene scene) throws Exception {
      scene.start();
      scene.awaitPhase(toString());
    }
  },
  STOPPING("Stopping") {
    @Override
    void reach(Scene scene) throws Exception {
      scene.hold("router-drains");
      scene.start();
      scene.awaitPhase("Serving");
      scene.signal("TERM", "launcher");
      scene.awaitDiary("router asked to stop");
    }
  };

  private final String word;

  Moment(String word) {
    this.word = word;
  }

  /** The moments of a row, separated by commas. */
  static List<Moment> parse(String words) {
    return Stream.of(words.split(", ", -1)).map(Moment::parseOne).toList();
  }

  private static Moment parseOne(String word) {
    return Stream.of(values())
        .filter(moment -> moment.word.equals(word))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no moment is called " + word));
  }

  abstract void reach(Scene scene) throws Exception;

  @Override
  public String toString() {
    return word;
  }
}
