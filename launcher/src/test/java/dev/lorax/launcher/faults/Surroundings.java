package dev.lorax.launcher.faults;

import java.io.IOException;
import java.nio.file.Files;

/** What may be wrong around a launcher before it starts. */
enum Surroundings implements Fault {
  SHARD_FAILS("the shard cannot load the model") {
    @Override
    public void prepare(Scene scene) {
      scene.hold("shard-0-fails");
    }
  },
  SHARD_MUTE("the shard never gets ready") {
    @Override
    public void prepare(Scene scene) {
      scene.option("--startup-timeout", "3s");
      scene.hold("shard-0-mute");
    }
  },
  ROUTER_PORT_TAKEN("another program listens on the router's port") {
    @Override
    public void prepare(Scene scene) throws IOException {
      scene.occupy(scene.processes().routerPort());
    }
  },
  STATUS_PORT_TAKEN("another program listens on the status port") {
    @Override
    public void prepare(Scene scene) throws IOException {
      scene.occupy(scene.processes().statusPort());
    }
  },
  SOCKET_PATH_TOO_LONG("the path of the socket directory is too long") {
    @Override
    public void prepare(Scene scene) {
      scene.option("--shard-uds-path", "/tmp/" + "s".repeat(100));
    }
  },
  NO_SOCKET_DIRECTORY("the socket directory is a file") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.createFile(scene.processes().sockets());
    }
  },
  TERMINATION_LOG_UNWRITABLE("the termination log cannot be written") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.createDirectory(scene.terminationLogFile());
      scene.hold("shard-0-fails");
    }
  },
  NO_MODEL("the model directory does not exist") {
    @Override
    public void prepare(Scene scene) {
      scene.option("--model-id", scene.processes().model().resolve("absent"));
    }
  },
  INCOMPLETE_MODEL("the model directory is incomplete") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.delete(scene.processes().model().resolve("tokenizer.json"));
    }
  },
  CORRUPT_CONFIG("a file of the model is no JSON") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.writeString(scene.processes().model().resolve("config.json"), "{\"max_pos");
    }
  },
  NO_PROGRAM("the program of the shard is not installed") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Files.delete(scene.processes().programs().resolve("lorax-server"));
    }
  };

  private final String words;

  Surroundings(String words) {
    this.words = words;
  }

  @Override
  public void strike(Scene scene) {
    scene.start();
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
