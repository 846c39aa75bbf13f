package dev.lorax.router.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is read of an answer that comes in pieces, cut anywhere, is what it says as a whole. */
class CallReaderProperties {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final ObjectMapper PLAIN = new ObjectMapper();
  private static final ObjectMapper ESCAPING =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  /** What was told, piece by piece. */
  private record Told(@Nullable String tool, String arguments, String words) {}

  @Property
  void tells_name_and_arguments_of_a_call(
      @ForAll("names") String name,
      @ForAll("values") JsonNode arguments,
      @ForAll boolean argumentsFirst,
      @ForAll @IntRange(max = 2) int layout,
      @ForAll @Size(min = 1, max = 30) List<@IntRange(min = 1, max = 9) Integer> cuts)
      throws JsonProcessingException {
    String text = written(name, arguments, argumentsFirst, layout);

    Told told = read(text, cuts);

    assertThat(told.tool()).isEqualTo(name);
    assertThat(told.words()).isEmpty();
    assertThat(PLAIN.readTree(told.arguments())).isEqualTo(arguments);
    assertThat(told.arguments()).isEqualTo(mapper(layout).writeValueAsString(arguments));
  }

  @Property
  void tells_words(
      @ForAll("texts") String words,
      @ForAll boolean argumentsFirst,
      @ForAll @IntRange(max = 2) int layout,
      @ForAll @Size(min = 1, max = 30) List<@IntRange(min = 1, max = 9) Integer> cuts)
      throws JsonProcessingException {
    ObjectNode arguments = NODES.objectNode().put("other", "\"content\":\"x\"");
    arguments.put("content", words);
    String text = written(Tools.NO_TOOL, arguments, argumentsFirst, layout);

    assertThat(read(text, cuts)).isEqualTo(new Told(null, "", words));
  }

  @Property
  void tells_of_an_answer_that_is_cut_what_was_there(
      @ForAll("names") String name,
      @ForAll("values") JsonNode arguments,
      @ForAll @IntRange(max = 200) int length,
      @ForAll @Size(min = 1, max = 30) List<@IntRange(min = 1, max = 9) Integer> cuts)
      throws JsonProcessingException {
    String whole = written(name, arguments, false, 0);
    String cut = whole.substring(0, Math.min(length, whole.length()));

    Told told = read(cut, cuts);

    if (told.tool() == null) {
      assertThat(told.words()).isEqualTo(cut);
      assertThat(cut.length()).isLessThan("{\"name\":\"\"".length() + name.length());
    } else {
      assertThat(PLAIN.writeValueAsString(arguments)).startsWith(told.arguments());
    }
  }

  /** Also of shards that bind no answer. */
  @Property
  void tells_the_same_of_any_text_however_it_is_cut(
      @ForAll("scraps") String text,
      @ForAll @Size(min = 1, max = 30) List<@IntRange(min = 1, max = 9) Integer> cuts) {
    Told whole = read(text, List.of(Math.max(1, text.length())));

    assertThat(read(text, cuts)).isEqualTo(whole);
    if (!text.contains("name")) {
      assertThat(whole).isEqualTo(new Told(null, "", text));
    }
  }

  @Test
  void mends_half_characters() {
    Told told =
        read(
            "{\"name\": \"no_tool\", \"arguments\": {\"content\": \"a\\ud83d b \\ud83d\\ude00\\ude00\"}}",
            List.of(1));

    assertThat(told.words()).isEqualTo("a\uFFFD b \uD83D\uDE00\uFFFD");
  }

  private static ObjectMapper mapper(int layout) {
    return layout == 1 ? ESCAPING : PLAIN;
  }

  private static String written(String name, JsonNode arguments, boolean argumentsFirst, int layout)
      throws JsonProcessingException {
    ObjectNode call = NODES.objectNode();
    if (argumentsFirst) {
      call.set("arguments", arguments);
    }
    call.put("name", name);
    call.set("arguments", arguments);
    return layout == 2
        ? PLAIN.writerWithDefaultPrettyPrinter().writeValueAsString(call)
        : mapper(layout).writeValueAsString(call);
  }

  private static Told read(String text, List<Integer> cuts) {
    var reader = new CallReader();
    var arguments = new StringBuilder();
    var words = new StringBuilder();
    int place = 0;
    for (int i = 0; place < text.length(); i++) {
      int next = Math.min(text.length(), place + cuts.get(i % cuts.size()));
      reader.add(text.substring(place, next));
      place = next;
      arguments.append(reader.takeArguments());
      words.append(whole(reader.takeWords()));
    }
    reader.finish();
    arguments.append(reader.takeArguments());
    words.append(whole(reader.takeWords()));
    return new Told(reader.tool(), arguments.toString(), words.toString());
  }

  /** A piece that no half of a character is in. */
  private static String whole(String piece) {
    byte[] utf8 = piece.getBytes(StandardCharsets.UTF_8);
    assertThat(new String(utf8, StandardCharsets.UTF_8)).isEqualTo(piece);
    return piece;
  }

  @Provide
  Arbitrary<String> names() {
    return Arbitraries.strings()
        .withChars("abcXYZ019_-")
        .ofMinLength(1)
        .ofMaxLength(12)
        .filter(name -> !name.equals(Tools.NO_TOOL));
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.of(
            "a", " ", "\"", "\\", "\n", "{", "}", "é", "\u0000", "\uD83D\uDE00", "/", ",")
        .list()
        .ofMaxSize(20)
        .map(parts -> String.join("", parts));
  }

  @Provide
  Arbitrary<String> scraps() {
    return Arbitraries.of(
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\\",
            ":",
            ",",
            " ",
            "1",
            "u00e9",
            "null",
            "name",
            "\"name\"",
            "\"arguments\"",
            "\"no_tool\"",
            "\"content\"",
            "{\"name\":\"f\",\"arguments\":",
            "é")
        .list()
        .ofMaxSize(15)
        .map(parts -> String.join("", parts));
  }

  @Provide
  Arbitrary<JsonNode> values() {
    Arbitrary<JsonNode> object =
        Combinators.combine(texts(), nodes(3), texts(), nodes(2))
            .as((first, one, second, other) -> {
              ObjectNode node = NODES.objectNode();
              node.set(first, one);
              node.set(second, other);
              return node;
            });
    return Arbitraries.oneOf(object, nodes(2));
  }

  private Arbitrary<JsonNode> nodes(int depth) {
    Arbitrary<JsonNode> leaf =
        Arbitraries.oneOf(
            texts().map(NODES::textNode),
            Arbitraries.integers().map(NODES::numberNode),
            Arbitraries.of(NODES.nullNode(), NODES.booleanNode(true), NODES.numberNode(1.5e-7)));
    if (depth == 0) {
      return leaf;
    }
    Arbitrary<JsonNode> array =
        nodes(depth - 1).list().ofMaxSize(3).map(list -> NODES.arrayNode().addAll(list));
    Arbitrary<JsonNode> object =
        Combinators.combine(texts(), nodes(depth - 1))
            .as((key, value) -> NODES.objectNode().set(key, value));
    return Arbitraries.oneOf(leaf, array, object);
  }
}
