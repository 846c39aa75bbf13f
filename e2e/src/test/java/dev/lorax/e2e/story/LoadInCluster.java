package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.e2e.load.StreamLoadMain;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Streams through the Service of a server, as other pods of the cluster open them: a way in from
 * outside would stay with one pod, whatever becomes of it.
 */
final class LoadInCluster {

  private static final String POD = "load";
  private static final Path CLASSES = Path.of("target/test-classes");
  private static final String PACKAGE = StreamLoadMain.class.getPackageName();
  private static final Pattern SO_FAR = Pattern.compile("so far (\\d+)");
  private static final Pattern END = Pattern.compile("streams (\\d+) wrong (\\d+)");

  private final World world;

  private LoadInCluster(World world) {
    this.world = world;
  }

  /** What came of all streams. */
  record Outcome(int streams, int wrong, String log) {

    /** That none of them was refused, cut or altered. */
    void assertRight() {
      assertThat(wrong).as(log).isZero();
      World.say("%d streams, all as in a quiet run".formatted(streams));
    }
  }

  /**
   * Starts it and waits until the quiet run is over.
   *
   * @param questions a file beside the manifests
   * @param streams at a time
   */
  static LoadInCluster start(World world, String server, String questions, int streams) {
    Map<String, String> settings =
        Map.of(
            "questions",
            read(world.manifest(questions)),
            "server",
            "http://" + server + ":3000",
            "streams",
            String.valueOf(streams));
    world.configMap(POD, settings, Map.of("load.jar", ClassesJar.of(CLASSES, PACKAGE)));
    world.apply("load.yaml");
    var load = new LoadInCluster(world);
    await()
        .atMost(Duration.ofMinutes(6))
        .pollInterval(Duration.ofSeconds(1))
        .ignoreExceptions()
        .untilAsserted(() -> assertThat(load.log()).contains("quiet "));
    return load;
  }

  /** How many streams have begun, in steps of {@value StreamLoadMain#STEP}. */
  int streams() {
    Matcher matcher = SO_FAR.matcher(log());
    int streams = 0;
    while (matcher.find()) {
      streams = Integer.parseInt(matcher.group(1));
    }
    return streams;
  }

  /** Lets the streams that run end, and removes the pod. */
  Outcome stop() {
    world.kubectl("exec", POD, "--", "touch", "/tmp/stop");
    await()
        .atMost(Duration.ofMinutes(5))
        .pollInterval(Duration.ofSeconds(1))
        .untilAsserted(() -> assertThat(log()).containsPattern(END));
    String log = log();
    world.kubectl("delete", "pod", POD);
    Matcher end = END.matcher(log);
    assertThat(end.find()).isTrue();
    return new Outcome(Integer.parseInt(end.group(1)), Integer.parseInt(end.group(2)), log);
  }

  /** Not by kubectl: a process for each look would take the time of those that are watched. */
  private String log() {
    return world.client().pods().inNamespace(World.NAMESPACE).withName(POD).getLog();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
