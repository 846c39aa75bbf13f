package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Requests such as nobody should send, and clients that stall, trickle and vanish in the middle of
 * streams, by the thousand or, with {@code -Dlorax.fuzz.requests}, by the million. Each request
 * follows from {@code -Dlorax.fuzz.seed} and its number, which a failure tells.
 */
class FuzzTest {
  private static final long REQUESTS = Long.getLong("lorax.fuzz.requests", 4000);
  private static final long FIRST = Long.getLong("lorax.fuzz.first", 0);
  private static final long SEED = Long.getLong("lorax.fuzz.seed", 1);
  private static final int CLIENTS = 8;
  private static final List<String> PATHS =
      List.of(
          "/generate",
          "/generate",
          "/generate_stream",
          "/generate_stream",
          "/",
          "/invocations",
          "/v1/completions",
          "/v1/completions",
          "/v1/completions",
          "/v1/chat/completions",
          "/v1/chat/completions",
          "/v1/chat/completions",
          "/v1/embeddings",
          "/embed",
          "/classify",
          "/classify_batch",
          "/tokenize",
          "/adapters/load",
          "/adapters/unload");

  private final AtomicLong next = new AtomicLong(FIRST);
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final Map<Integer, AtomicLong> statuses = new ConcurrentSkipListMap<>();

  @Test
  void bears_whatever_clients_do(@TempDir Path directory) throws Exception {
    try (var shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
        var router =
            TestingRouter.start(
                directory.resolve("shard-0"),
                "--prefix-caching",
                "--max-best-of",
                "4",
                "--max-concurrent-requests",
                "64",
                "--client-request-timeout-s",
                "5",
                "--client-answer-timeout-s",
                "5")) {
      shard.forget();
      // Once everything has been used, the heap has what it needs.
      long warmUp = Math.max(REQUESTS / 10, Math.min(REQUESTS, 1000));
      play(router, FIRST + warmUp);
      long before = usedHeap();
      play(router, FIRST + REQUESTS);

      assertThat(failures).isEmpty();
      await()
          .untilAsserted(() -> {
            assertThat(router.metric("lorax_batch_current_size")).isZero();
            assertThat(router.metric("lorax_queue_length")).isZero();
            assertThat(router.metric("lorax_kv_blocks_held")).isZero();
          });
      await().until(() -> shard.cachedBatches() == 0);
      assertThat(shard.violations()).isEmpty();
      assertThat(router.post("/generate", "{\"inputs\":\"hello\"}").statusCode()).isEqualTo(200);
      assertThat(blocked()).isEmpty();
      long after = usedHeap();
      report(before, after);
      assertThat(after).as("bytes on the heap").isLessThan(before + before / 4 + 8_000_000);
      // Every place has been given back.
      assertThat(router.process().drain(Duration.ofMillis(200), Duration.ofSeconds(20))).isTrue();
    }
  }

  private void play(TestingRouter router, long end) throws InterruptedException {
    var clients = new ArrayList<Thread>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(Thread.ofPlatform().name("fuzz-" + i).start(() -> client(router, end)));
    }
    for (Thread client : clients) {
      client.join();
    }
  }

  private void client(TestingRouter router, long end) {
    Session session = null;
    while (failures.isEmpty()) {
      long number = next.getAndIncrement();
      if (number >= end) {
        next.decrementAndGet();
        break;
      }
      try {
        session = session == null ? new Session(router) : session;
        session = ask(session, new Random(SEED * 1_000_003 + number)) ? session : null;
      } catch (IOException | RuntimeException | AssertionError e) {
        failures.add("request %d of seed %d: %s".formatted(number, SEED, e));
      }
    }
    if (session != null) {
      session.close();
    }
  }

  /** One request; false if its connection can serve no other. */
  private boolean ask(Session session, Random random) throws IOException {
    String path = PATHS.get(random.nextInt(PATHS.size()));
    byte[] body = new HostileBody(random).of(path);
    String head = RawClient.head(path, body.length);
    switch (random.nextInt(60)) {
      case 0 -> {
        return vanishInRequest(session, head, body, random);
      }
      case 1, 2, 3, 4 -> {
        session.client.send(head, body);
        return vanishInAnswer(session, random);
      }
      case 5 -> {
        // Two at once; the second waits for its turn.
        session.client.send(head, body);
        session.client.send(head, body);
        boolean goesOn = read(session);
        return goesOn && read(session);
      }
      case 6 -> session.client.send(head.replace("application/json", "text/plain"), body);
      default -> session.client.send(head, body);
    }
    return read(session);
  }

  private static boolean vanishInRequest(Session session, String head, byte[] body, Random random)
      throws IOException {
    if (random.nextBoolean()) {
      session.client.send(head.substring(0, random.nextInt(head.length())), new byte[0]);
    } else {
      session.client.send(head, Arrays.copyOf(body, random.nextInt(body.length + 1)));
    }
    session.client.vanish();
    return false;
  }

  private static boolean vanishInAnswer(Session session, Random random) throws IOException {
    int most = random.nextInt(200);
    for (int i = 0; i < most && (i == 0 || session.input.available() > 0); i++) {
      session.input.read();
    }
    if (random.nextBoolean()) {
      session.client.vanish();
    } else {
      session.close();
    }
    return false;
  }

  private boolean read(Session session) throws IOException {
    RawAnswer answer;
    try {
      answer = RawAnswer.read(session.input);
    } catch (EOFException | SocketException e) {
      throw new AssertionError("the router hung up: " + e.getMessage(), e);
    }
    count(answer.status());
    check(answer);
    if (answer.closes()) {
      session.close();
    }
    return !answer.closes();
  }

  private void count(int status) {
    statuses.computeIfAbsent(status, _ -> new AtomicLong()).incrementAndGet();
  }

  /** Every failure is told, and none is a bug. */
  private static void check(RawAnswer answer) {
    if (answer.status() / 100 == 2) {
      String body = answer.body();
      if (body.startsWith("data:") || body.startsWith(":")) {
        checkStream(body);
      }
      return;
    }
    String what = "%d %s".formatted(answer.status(), answer.body());
    checkError(TestingRouter.json(answer.body()), what);
  }

  private static void checkStream(String body) {
    List<String> events = TestingRouter.events(body);
    String last = events.getLast();
    if (last.equals("[DONE]")) {
      return;
    }
    JsonNode event = TestingRouter.json(last);
    if (event.has("error")) {
      checkError(event, last);
    } else {
      assertThat(event.path("generated_text").isTextual()).as("end of a stream: " + last).isTrue();
    }
  }

  private static void checkError(JsonNode body, String what) {
    JsonNode error = body.path("error");
    String message = error.isTextual() ? error.asText() : error.path("message").asText();
    String code =
        error.isTextual() ? body.path("error_type").asText() : error.path("code").asText();
    assertThat(message).as(what).isNotEmpty();
    assertThat(code).as(what).isNotEmpty().isNotEqualTo("internal");
    assertThat(message).as(what).doesNotContain("Exception");
  }

  private static List<String> blocked() {
    return Arrays.stream(ManagementFactory.getThreadMXBean().dumpAllThreads(false, false))
        .filter(thread -> thread.getThreadState() == Thread.State.BLOCKED)
        .map(ThreadInfo::toString)
        .toList();
  }

  private static long usedHeap() {
    var memory = ManagementFactory.getMemoryMXBean();
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      memory.gc();
      least = Math.min(least, memory.getHeapMemoryUsage().getUsed());
    }
    return least;
  }

  private void report(long before, long after) {
    System.out.printf(
        "%d requests of seed %d: answers %s, heap %d kB after the warm-up, %d kB at the end%n",
        REQUESTS, SEED, statuses, before / 1000, after / 1000);
  }

  /** A connection and what is read of it. */
  private static final class Session {
    private final RawClient client;
    private final BufferedInputStream input;

    Session(TestingRouter router) throws IOException {
      client = RawClient.connect(router);
      input = new BufferedInputStream(client.input());
    }

    void close() {
      try {
        client.close();
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }
}
