package dev.lorax.launcher.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** A directory with all that a launcher and its agents need: a model, and members on their PATH. */
public record Home(Path directory) {

  private static final String PYTHON = python();

  /** A header of two bytes and no tensor. */
  private static final String EMPTY_SAFETENSORS = "\2\0\0\0\0\0\0\0{}";

  /** Fills an empty or absent directory. Its path must be short, as sockets are below it. */
  public static Home in(Path directory) throws IOException {
    var home = new Home(directory);
    Files.createDirectories(home.scriptDirectory());
    Files.createDirectories(home.programs());
    member(home.programs().resolve("lorax-server"), "shard.py");
    member(home.programs().resolve("lorax-router"), "router.py");
    Path model = Files.createDirectories(home.model());
    Files.writeString(model.resolve("config.json"), "{\"max_position_embeddings\": 8192}");
    for (var file : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.writeString(model.resolve(file), "{}");
    }
    Files.writeString(model.resolve("model.safetensors"), EMPTY_SAFETENSORS);
    return home;
  }

  /** In Python, because a JVM for every member would be most of a test's time. */
  private static void member(Path file, String source) throws IOException {
    Path script = Path.of("src/test/python/members", source).toAbsolutePath();
    // Without site packages and bytecode files, which take longer than the rest.
    Files.writeString(file, "#!/bin/sh\nexec %s -S -B %s \"$@\"\n".formatted(PYTHON, script));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** The interpreter itself: what PATH names may be a wrapper that takes longer than it. */
  private static String python() {
    try {
      var asked = new ProcessBuilder("python3", "-c", "import sys; print(sys.executable)").start();
      return new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("python3 must be on PATH for the launcher's tests", e);
    }
  }

  /**
   * The launcher's program on its JVM, in an environment that leads to the scripted members.
   *
   * @param wrapper another program that becomes the launcher; may be empty
   */
  ProcessBuilder program(LauncherJvm jvm, List<String> wrapper, List<String> arguments) {
    List<String> line = new ArrayList<>(wrapper);
    // Under nohup, or in the background of a script, these tests inherit signals that are ignored.
    line.addAll(List.of("env", "--default-signal=HUP,INT,TERM"));
    line.addAll(jvm.command("dev.lorax.launcher.LauncherMain"));
    line.addAll(arguments);
    var builder = new ProcessBuilder(line).redirectErrorStream(true);
    builder.environment().put("SCRIPT_DIRECTORY", scriptDirectory().toString());
    builder
        .environment()
        .merge("PATH", programs().toString(), (old, ours) -> ours + File.pathSeparator + old);
    return builder;
  }

  /** An agent of a container, as its entrypoint starts it. */
  public ProcessBuilder agent(List<String> wrapper, String role, int index) {
    List<String> arguments = new ArrayList<>(List.of("agent", "--role", role));
    arguments.addAll(List.of("--index", Integer.toString(index)));
    arguments.addAll(List.of("--control", controlSocket().toString()));
    return program(Rehearsed.jvm(), wrapper, arguments);
  }

  public Path sockets() {
    return directory.resolve("s");
  }

  public Path controlSocket() {
    return sockets().resolve("control.sock");
  }

  public Path model() {
    return directory.resolve("model");
  }

  /** Of the scripted members. */
  public Path programs() {
    return directory.resolve("bin");
  }

  public Path cache() {
    return directory.resolve("cache");
  }

  /** Its path is in the environment of every process that was started from here. */
  public Path scriptDirectory() {
    return directory.resolve("script");
  }

  /** A directory in which the launcher finds the agent already; ours runs from the class path. */
  public Path installedAgent() {
    try {
      Path agent = directory.resolve("agent");
      Files.createDirectories(agent.resolve("bin"));
      if (Files.notExists(agent.resolve("bin/lorax-agent"))) {
        Files.createFile(agent.resolve("bin/lorax-agent"));
      }
      return agent;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files of the members' shared memory that are there now. */
  public List<Path> sharedMemory() {
    String mark = scriptDirectory().toString().replace('/', '-');
    try (var segments = Files.newDirectoryStream(Path.of("/dev/shm"), "*" + mark)) {
      List<Path> found = new ArrayList<>();
      segments.forEach(found::add);
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
