package dev.lorax.e2e.chat;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The prompts that come with the demo's adapters, with what their answers must look like. */
public final class DemoPrompts {

  private static final ObjectMapper JSON = new ObjectMapper();

  private DemoPrompts() {}

  /** A question with what its answer must look like. */
  public record Check(Question question, Expectation expectation) {}

  /** The one prompt that the base model and every adapter answer, each in its own way. */
  public static List<Check> showcase(Path repository) {
    Showcase showcase = read(repository, "showcase.json", Showcase.class);
    return showcase.expect().entrySet().stream()
        .map(entry ->
            new Check(
                new Question(entry.getKey(), showcase.prompt(), showcase.maxNewTokens()),
                entry.getValue()))
        .toList();
  }

  /** Prompts that no training example held. */
  public static List<Check> heldOut(Path repository) {
    return List.of(read(repository, "held_out.json", HeldOut[].class)).stream()
        .map(entry ->
            new Check(
                new Question(entry.adapter(), entry.prompt(), entry.maxNewTokens()),
                entry.expect()))
        .toList();
  }

  private static <T> T read(Path repository, String name, Class<T> type) {
    Path file = repository.resolve("shard-image/demo").resolve(name);
    try {
      return JSON.readValue(file.toFile(), type);
    } catch (IOException e) {
      throw new UncheckedIOException("could not read the demo's prompts from " + file, e);
    }
  }

  private record HeldOut(
      String adapter,
      String prompt,
      @JsonProperty("max_new_tokens") int maxNewTokens,
      Expectation expect) {}

  /** Jackson keeps the order of the file, which is the order of the columns. */
  private record Showcase(
      String prompt,
      @JsonProperty("max_new_tokens") int maxNewTokens,
      Map<String, Expectation> expect) {}
}
