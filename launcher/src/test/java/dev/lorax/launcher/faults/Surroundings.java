package dev.lorax.launcher.faults;

import dev.lorax.launcher.testing.LauncherProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What may be wrong around a launcher before it starts. */
enum Surroundings implements AtStart {
  SHARD_FAILS("the shard cannot load the model") {
    @Override
    public void prepare(Scene scene) {
      scene.hold("shard-0-fails");
    }
  },
  SHARD_MUTE("the shard never gets ready") {
    @Override
    public void prepare(Scene scene) {
      scene.line().option("--startup-timeout", "15s");
      scene.hold("shard-0-mute");
      scene.awaitAgents();
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
  MEETING_PORT_TAKEN("another program listens on the port where the shards meet") {
    @Override
    public void prepare(Scene scene) throws IOException {
      int port = LauncherProcess.freePort();
      scene.occupy(port);
      scene.line().option("--master-port", port);
    }
  },
  SOCKET_PATH_TOO_LONG("the path of the socket directory is too long") {
    @Override
    public void prepare(Scene scene) {
      scene.line().option("--shard-uds-path", "/tmp/" + "s".repeat(100));
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
  SOCKETS_READ_ONLY("the volume of the socket directory is read-only") {
    @Override
    public void prepare(Scene scene) throws IOException {
      scene.line().mount(Mounts.readOnly(Files.createDirectories(scene.processes().sockets())));
    }
  },
  SOCKETS_FULL("the volume of the socket directory is full") {
    @Override
    public void prepare(Scene scene) throws IOException {
      Path sockets = Files.createDirectories(scene.processes().sockets());
      scene
          .line()
          .mount(
              Mounts.small(sockets, "4k")
                  .and("head -c 4096 /dev/zero > %s/full".formatted(sockets)));
    }
  },
  SOCKETS_IN_USE("another launcher uses the socket directory") {
    @Override
    public void prepare(Scene scene) throws IOException {
      scene.occupySockets();
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
  public String toString() {
    return words;
  }
}
