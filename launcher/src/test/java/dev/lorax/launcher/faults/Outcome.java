package dev.lorax.launcher.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;

/** What becomes of the launcher and of what it serves. */
enum Outcome {
  ENDS_WELL("the launcher ends with exit code 0") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(0);
      assertThat(scene.terminationLog()).isEmpty();
    }
  },
  FAILS("the launcher ends with exit code 1") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(1);
      assertThat(scene.terminationLog()).matches("[A-Z][A-Za-z]+: " + says.pattern());
    }
  },
  FAILS_UNSEEN("the launcher ends with exit code 1, the reason is in the log alone") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(1);
    }
  },
  REFUSED("the launcher ends with exit code 2") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(2);
    }
  },
  NEW_EPOCH("all shards start again, the router stays") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitServingInEpoch(2);
      assertThat(scene.starts("shard-0", "shard-1", "router")).containsExactly(2, 2, 1);
      assertThat(scene.lastFailure()).matches(says.reason().pattern());
      scene.stop();
    }
  },
  NEW_ROUTER("the router starts again, the shards stay") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitStarts("router", 2);
      scene.awaitServingInEpoch(1);
      assertThat(scene.starts("shard-0", "shard-1", "router")).containsExactly(1, 1, 2);
      assertThat(scene.lastFailure()).matches(says.reason().pattern());
      scene.stop();
    }
  },
  GOES_ON("it goes on as if nothing had happened") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitServingInEpoch(1);
      assertThat(scene.starts("shard-0", "shard-1", "router")).containsExactly(1, 1, 1);
      assertThat(scene.lastFailure()).isEmpty();
      scene.stop();
    }
  },
  CHILDREN_END("its processes end with it, the next launcher starts clean") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(KILLED);
      scene.awaitNoProcess();
      scene.start();
      scene.awaitPhase("Serving");
      scene.stop();
    }
  },
  FINISHED_BY_NEXT("the next launcher goes on with the work") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(KILLED);
      scene.start();
      GOES_ON.check(scene, says);
    }
  },
  TAKEN_OVER("its processes go on, the next launcher takes them over") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(KILLED);
      scene.start();
      GOES_ON.check(scene, says);
    }
  },
  SHARDS_TAKEN_OVER(
      "its shards go on, the next launcher takes them over and starts the router again") {
    @Override
    void check(Scene scene, Sentence says) throws Exception {
      scene.awaitExit(KILLED);
      scene.start();
      scene.awaitStarts("router", 2);
      scene.awaitServingInEpoch(1);
      assertThat(scene.starts("shard-0", "shard-1", "router")).containsExactly(1, 1, 2);
      scene.stop();
    }
  };

  private static final int KILLED = 137;

  private final String words;

  Outcome(String words) {
    this.words = words;
  }

  static Outcome parse(String words) {
    return Stream.of(values())
        .filter(outcome -> outcome.words.equals(words))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no outcome is called " + words));
  }

  /** Waits for the outcome; afterwards nothing of the launcher runs. */
  abstract void check(Scene scene, Sentence says) throws Exception;
}
