package dev.lorax.e2e.load;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A client of {@code /generate_stream} that keeps its connections, as clients do. Thread-safe. It
 * reads no more of an event than it compares, and that as the bytes that came.
 */
final class StreamClient {

  private static final Duration DEADLINE = Duration.ofMinutes(5);

  /** The text of a token, and of the whole answer in the last event, as they stand in JSON. */
  private static final Pattern TOKEN = Pattern.compile("\"text\":\"((?:[^\"\\\\]|\\\\.)*)\"");

  private static final Pattern WHOLE =
      Pattern.compile("\"generated_text\":\"((?:[^\"\\\\]|\\\\.)*)\"");

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final URI address;

  StreamClient(URI server) {
    this.address = server.resolve("/generate_stream");
  }

  /**
   * A prompt without characters that JSON escapes.
   *
   * @param adapter its id, or {@code base}
   */
  record Question(String adapter, int tokens, String prompt) {

    static Question parse(String line) {
      String[] parts = line.split("\t", 3);
      return new Question(parts[0], Integer.parseInt(parts[1]), parts[2]);
    }

    private String body() {
      String adapter = adapter().equals("base") ? "" : "\"adapter_id\":\"" + adapter() + "\",";
      return "{\"inputs\":\"%s\",\"parameters\":{%s\"max_new_tokens\":%d,\"ignore_eos_token\":true}}"
          .formatted(prompt, adapter, tokens);
    }
  }

  /**
   * Streams an answer, greedily, to its end; the texts of all tokens and of the whole.
   *
   * @throws IOException where the stream was refused or has no end
   */
  String stream(Question question) throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(address)
            .timeout(DEADLINE)
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(question.body()))
            .build();
    HttpResponse<Stream<String>> response = http.send(request, BodyHandlers.ofLines());
    try (Stream<String> lines = response.body()) {
      List<String> events = lines.filter(line -> !line.isBlank()).toList();
      if (response.statusCode() != 200) {
        throw new IOException("refused with " + response.statusCode() + ": " + events);
      }
      return answer(events);
    } catch (UncheckedIOException e) {
      throw new IOException("the stream broke: " + e.getMessage(), e);
    }
  }

  private static String answer(List<String> events) throws IOException {
    var tokens = new StringBuilder();
    for (String event : events) {
      Matcher token = TOKEN.matcher(event);
      if (token.find()) {
        tokens.append(token.group(1));
      }
    }
    Matcher whole = WHOLE.matcher(events.isEmpty() ? "" : events.getLast());
    if (!whole.find()) {
      throw new IOException("cut after " + events.size() + " events: " + tokens);
    }
    return tokens + "|" + whole.group(1);
  }
}
