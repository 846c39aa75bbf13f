package dev.lorax.operator.server.status;

import org.jspecify.annotations.Nullable;

/**
 * How far one replica has come, or what holds it up. The order of the cases below is the order in
 * which a status names them: the most hopeless first.
 */
public sealed interface PodState {

  /** Code for a condition. */
  String reason();

  /** What is the matter, for people. */
  String message();

  /** A state that needs somebody to act: it does not pass by itself. */
  sealed interface Stuck extends PodState {}

  /** A state that leads to {@link Ready} by itself. */
  sealed interface OnItsWay extends PodState {

    /** 0 for the first state after scheduling. */
    int stage();
  }

  /** A container ends again and again. */
  record Crashing(String container, int exitCode, LastWords lastWords) implements Stuck {
    @Override
    public String reason() {
      return lastWords.reason();
    }

    @Override
    public String message() {
      return "container %s exited with %d: %s".formatted(container, exitCode, lastWords.sentence());
    }
  }

  /** The image of a container cannot be had. */
  record ImagePullFailed(String container, String image, String cause) implements Stuck {
    @Override
    public String reason() {
      return "ImagePullFailed";
    }

    @Override
    public String message() {
      return "container %s needs image %s: %s".formatted(container, image, cause);
    }
  }

  /** Kubelet cannot make a container as it is asked to. */
  record ContainerRefused(String container, String cause) implements Stuck {
    @Override
    public String reason() {
      return "ContainerRefused";
    }

    @Override
    public String message() {
      return "container %s cannot be started: %s".formatted(container, cause);
    }
  }

  /** The pod has ended for good, for example because it was evicted. */
  record Failed(String cause) implements Stuck {
    @Override
    public String reason() {
      return "PodFailed";
    }

    @Override
    public String message() {
      return cause;
    }
  }

  /** No node takes the pod. */
  record Unschedulable(String cause) implements Stuck {
    @Override
    public String reason() {
      return "Unschedulable";
    }

    @Override
    public String message() {
      return cause;
    }
  }

  /** Volumes and containers are being made. */
  record Starting() implements OnItsWay {
    @Override
    public int stage() {
      return 0;
    }

    @Override
    public String reason() {
      return "PodStarting";
    }

    @Override
    public String message() {
      return "images, volumes and containers are being prepared";
    }
  }

  /**
   * The launcher fetches and converts the model; {@code progress} is null where it is not known.
   */
  record Downloading(@Nullable ModelProgress progress) implements OnItsWay {
    @Override
    public int stage() {
      return 1;
    }

    @Override
    public String reason() {
      return "Downloading";
    }

    @Override
    public String message() {
      return progress == null ? "the launcher fetches and converts the model" : progress.sentence();
    }
  }

  /** The pod was ready, and now its launcher tells nothing of itself. */
  record LauncherSilent() implements OnItsWay {
    @Override
    public int stage() {
      return 3;
    }

    @Override
    public String reason() {
      return "LauncherSilent";
    }

    @Override
    public String message() {
      return "the launcher does not answer; shards and router go on without it";
    }
  }

  /** The launcher starts shards or router again after a failure. */
  record StartingAgain(int stage, LauncherReport.LastFailure failure) implements OnItsWay {
    @Override
    public String reason() {
      return failure.code();
    }

    @Override
    public String message() {
      return "the launcher starts it again after a failure: " + failure.reason();
    }
  }

  /** Shards load the model. */
  record ShardsLoading(int ready, int total) implements OnItsWay {
    @Override
    public int stage() {
      return 2;
    }

    @Override
    public String reason() {
      return "ShardsLoading";
    }

    @Override
    public String message() {
      return "shards load the model, %d of %d containers are done".formatted(ready, total);
    }
  }

  /** The router starts and loads adapters. */
  record RouterStarting() implements OnItsWay {
    @Override
    public int stage() {
      return 3;
    }

    @Override
    public String reason() {
      return "RouterStarting";
    }

    @Override
    public String message() {
      return "the router starts and the adapters to preload are loaded";
    }
  }

  /** The replica answers requests. */
  record Ready() implements PodState {
    @Override
    public String reason() {
      return "Ready";
    }

    @Override
    public String message() {
      return "answers requests";
    }
  }

  /** The pod is being deleted and finishes its requests. */
  record Stopping() implements PodState {
    @Override
    public String reason() {
      return "Stopping";
    }

    @Override
    public String message() {
      return "finishes its requests";
    }
  }
}
