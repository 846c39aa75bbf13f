package dev.lorax.e2e.load;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Streams answers from a server until it is told to stop, and compares each with what a quiet
 * server said: {@code URL QUESTIONS STREAMS}. A line of the file with questions is an adapter, or
 * {@code base}, the number of tokens of its answer, and a prompt, with tabs between them; one that
 * begins with {@code #} is a comment. First every question is asked alone; then this many streams
 * run at a time. It stops once {@code /tmp/stop} exists and the streams that run then have ended.
 *
 * <p>Output: {@code quiet N} once the quiet run is over, {@code so far N} each time that many more
 * streams have begun, {@code wrong: …} for every stream that was refused, cut or altered, and
 * {@code streams N wrong M} at the end.
 */
public final class StreamLoadMain {

  /** Streams from one {@code so far} to the next. */
  public static final int STEP = 100;

  private static final Path STOP = Path.of("/tmp/stop");

  private StreamLoadMain() {}

  public static void main(String[] arguments)
      throws IOException, InterruptedException, ExecutionException {
    URI server = URI.create(arguments[0]);
    List<StreamClient.Question> questions =
        Files.readAllLines(Path.of(arguments[1])).stream()
            .filter(line -> !line.isBlank() && !line.startsWith("#"))
            .map(StreamClient.Question::parse)
            .toList();
    var alone = new StreamClient(server);
    List<String> quiet = new ArrayList<>();
    for (StreamClient.Question question : questions) {
      quiet.add(alone.stream(question));
    }
    System.out.println("quiet " + quiet.size());
    report(load(server, questions, quiet, Integer.parseInt(arguments[2])));
  }

  /** What one worker has seen. */
  private record Seen(int streams, int wrong) {

    Seen plus(Seen other) {
      return new Seen(streams + other.streams, wrong + other.wrong);
    }
  }

  private static Seen load(
      URI server, List<StreamClient.Question> questions, List<String> quiet, int workers)
      throws InterruptedException, ExecutionException, IOException {
    var stop = new AtomicBoolean();
    var begun = new AtomicInteger();
    try (ExecutorService running = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Seen>> seen = new ArrayList<>();
      for (int worker = 0; worker < workers; worker++) {
        int first = worker;
        // Each is a client with a connection of its own, which it uses again at once.
        var client = new StreamClient(server);
        seen.add(running.submit(() -> work(client, questions, quiet, first, begun, stop)));
      }
      while (!Files.exists(STOP)) {
        Thread.sleep(200);
      }
      stop.set(true);
      Seen sum = new Seen(0, 0);
      for (Future<Seen> one : seen) {
        sum = sum.plus(one.get());
      }
      return sum;
    }
  }

  private static Seen work(
      StreamClient server,
      List<StreamClient.Question> questions,
      List<String> quiet,
      int first,
      AtomicInteger begun,
      AtomicBoolean stop)
      throws InterruptedException {
    int streams = 0;
    int wrong = 0;
    for (int next = first; !stop.get(); next++) {
      int index = next % questions.size();
      streams++;
      int soFar = begun.incrementAndGet();
      if (soFar % STEP == 0) {
        System.out.println("so far " + soFar);
      }
      String problem = problem(server, questions.get(index), quiet.get(index));
      if (problem != null) {
        wrong++;
        System.out.println("wrong: " + questions.get(index) + ": " + problem);
        // A server that refuses at once must not be asked thousands of times.
        Thread.sleep(100);
      }
    }
    return new Seen(streams, wrong);
  }

  /** Null where the stream is whole and the same as in the quiet run. */
  private static String problem(
      StreamClient server, StreamClient.Question question, String expected)
      throws InterruptedException {
    try {
      String got = server.stream(question);
      return got.equals(expected) ? null : "expected " + expected + ", got " + got;
    } catch (IOException e) {
      return e.toString();
    }
  }

  private static void report(Seen seen) {
    System.out.println("streams " + seen.streams() + " wrong " + seen.wrong());
  }
}
