package dev.lorax.router;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Bodies such as nobody should send, most of them nearly right. Confined to one thread. */
final class HostileBody {
  private static final List<String> TEXTS =
      List.of(
          "hello",
          "abc",
          "",
          " ",
          "poison",
          "overflow",
          "odd overflow",
          "eos3",
          "silence",
          "\\u0000",
          "\\ud800",
          "\\udc00x",
          "\uD83D\uDE00",
          "«{}»",
          "«{\\\"name\\\": \\\"f\\\"»",
          "one two three four five six seven eight nine ten eleven twelve thirteen fourteen");
  private static final List<String> HOSTILE =
      List.of(
          "null",
          "true",
          "-1",
          "0",
          "1",
          "2",
          "1e999",
          "-1e999",
          "1e-999",
          "NaN",
          "0.5",
          "2147483648",
          "18446744073709551616",
          "123456789012345678901234567890",
          "\"\"",
          "\"1\"",
          "[]",
          "{}",
          "[null]",
          "[[]]",
          "{\"a\":1}",
          "\"\\ud800\"",
          "\"\\u0000\"",
          "[1,\"a\",{}]");
  private static final List<String> NATIVE_FIELDS =
      List.of(
          "adapter_id",
          "adapter_source",
          "merged_adapters",
          "api_token",
          "best_of",
          "temperature",
          "repetition_penalty",
          "frequency_penalty",
          "presence_penalty",
          "top_k",
          "top_p",
          "typical_p",
          "do_sample",
          "ignore_eos_token",
          "return_full_text",
          "stop",
          "truncate",
          "watermark",
          "details",
          "decoder_input_details",
          "return_k_alternatives",
          "seed",
          "response_format",
          "max_new_tokens");
  private static final List<String> OPENAI_FIELDS =
      List.of(
          "n",
          "best_of",
          "temperature",
          "top_p",
          "top_k",
          "stop",
          "seed",
          "frequency_penalty",
          "presence_penalty",
          "repetition_penalty",
          "ignore_eos_token",
          "response_format",
          "logprobs",
          "top_logprobs",
          "stream_options",
          "echo",
          "max_completion_tokens",
          "tools",
          "tool_choice",
          "adapter_source",
          "api_token",
          "max_tokens");
  private static final String TOOL =
      "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}";

  private final Random random;

  HostileBody(Random random) {
    this.random = random;
  }

  /** A body for a path, as bytes. */
  byte[] of(String path) {
    byte[] body = body(path).getBytes(StandardCharsets.UTF_8);
    return switch (random.nextInt(10)) {
      case 0 -> mutated(body);
      case 1 -> random.nextInt(10) == 0 ? garbage() : mutated(mutated(body));
      default -> body;
    };
  }

  private String body(String path) {
    return switch (path) {
      case "/v1/chat/completions" -> openAi("\"messages\":" + messages());
      case "/v1/completions" -> openAi("\"prompt\":" + value(text()));
      case "/v1/embeddings" -> "{\"model\":%s,\"input\":%s}".formatted(model(), value(texts()));
      case "/embed", "/classify", "/tokenize" -> "{\"inputs\":%s}".formatted(value(text()));
      case "/classify_batch" -> "{\"inputs\":%s}".formatted(value(texts()));
      case "/adapters/load", "/adapters/unload" -> "{\"adapter_id\":%s}".formatted(value(model()));
      default ->
          "{\"inputs\":%s,\"stream\":%s,\"parameters\":{%s\"max_new_tokens\":%d}}"
              .formatted(value(text()), flag(), fields(NATIVE_FIELDS), 1 + random.nextInt(12));
    };
  }

  private String openAi(String question) {
    return "{\"model\":%s,%s,\"stream\":%s,%s\"max_tokens\":%d}"
        .formatted(model(), question, flag(), fields(OPENAI_FIELDS), 1 + random.nextInt(12));
  }

  private String fields(List<String> names) {
    var fields = new StringBuilder();
    for (int i = random.nextInt(4); i > 0; i--) {
      String name = pick(names);
      fields.append('"').append(name).append("\":").append(value(usual(name))).append(',');
    }
    return fields.toString();
  }

  /** Something that the field may well have. */
  private String usual(String name) {
    return switch (name) {
      case "n", "best_of" -> String.valueOf(1 + random.nextInt(5));
      case "temperature", "top_p", "typical_p" -> String.valueOf(random.nextInt(20) / 10.0);
      case "stop" -> random.nextBoolean() ? "[\" w1\",\" w2 w3\"]" : "\" w7\"";
      case "seed", "top_k", "truncate", "return_k_alternatives" ->
          String.valueOf(random.nextInt(40));
      case "adapter_id" -> model();
      case "adapter_source" -> pick(List.of("\"hub\"", "\"local\"", "\"s3\"", "\"pbase\""));
      case "merged_adapters" ->
          "{\"ids\":[\"red\",\"blue\"],\"weights\":[0.5,%s]}".formatted(flag());
      case "response_format" ->
          "{\"type\":\"json_object\",\"schema\":{\"%s\":1}}"
              .formatted(random.nextBoolean() ? "impossible" : "type");
      case "tools" -> "[" + TOOL + "]";
      case "tool_choice" -> pick(List.of("\"auto\"", "\"none\"", "\"required\""));
      case "stream_options" -> "{\"include_usage\":%s}".formatted(flag());
      case "logprobs", "top_logprobs" -> random.nextBoolean() ? flag() : "3";
      case "max_tokens", "max_new_tokens", "max_completion_tokens" ->
          String.valueOf(random.nextInt(300));
      default -> random.nextBoolean() ? flag() : String.valueOf(random.nextInt(3));
    };
  }

  private String value(String usual) {
    return random.nextInt(8) == 0 ? pick(HOSTILE) : usual;
  }

  private String messages() {
    String content =
        random.nextInt(8) == 0 ? "[{\"type\":\"text\",\"text\":%s}]".formatted(text()) : text();
    String role = random.nextInt(10) == 0 ? pick(List.of("robot", "tool", "")) : "user";
    return value("[{\"role\":\"%s\",\"content\":%s}]".formatted(role, value(content)));
  }

  private String texts() {
    return "[%s,%s]".formatted(text(), random.nextBoolean() ? text() : "[1,3]");
  }

  private String text() {
    String text = pick(TEXTS);
    return "\"%s\"".formatted(random.nextInt(200) == 0 ? text.repeat(500) : text);
  }

  private String model() {
    return switch (random.nextInt(12)) {
      case 0 -> "\"unknown-%d\"".formatted(random.nextInt(1_000_000));
      case 1 -> "\"red\"";
      case 2 -> "\"green\"";
      case 3 -> pick(HOSTILE);
      case 4 -> "\"base-model\"";
      default -> "\"\"";
    };
  }

  private String flag() {
    return random.nextBoolean() ? "true" : "false";
  }

  private byte[] mutated(byte[] body) {
    byte[] changed = body.clone();
    int place = random.nextInt(Math.max(1, changed.length));
    switch (random.nextInt(4)) {
      case 0 -> {
        return Arrays.copyOf(changed, place);
      }
      case 1 -> {
        if (changed.length > 0) {
          changed[place] = (byte) random.nextInt(256);
        }
      }
      case 2 -> {
        if (changed.length > 1) {
          System.arraycopy(changed, place, changed, Math.max(0, place - 1), changed.length - place);
        }
      }
      default -> {
        if (changed.length > 0) {
          changed[place] = (byte) "{}[]\",:\\0".charAt(random.nextInt(9));
        }
      }
    }
    return changed;
  }

  private byte[] garbage() {
    if (random.nextBoolean()) {
      return "[".repeat(1 + random.nextInt(5_000)).getBytes(StandardCharsets.UTF_8);
    }
    var bytes = new byte[random.nextInt(300)];
    random.nextBytes(bytes);
    return bytes;
  }

  private String pick(List<String> from) {
    return from.get(random.nextInt(from.size()));
  }
}
