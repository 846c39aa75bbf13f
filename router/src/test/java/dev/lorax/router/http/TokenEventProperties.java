package dev.lorax.router.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.generation.Token;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What is written by hand is what the JSON generator would write. */
class TokenEventProperties {
  @Property
  void writes_what_the_generator_writes(
      @ForAll("texts") String text,
      @ForAll int id,
      @ForAll float logprob,
      @ForAll boolean special,
      @ForAll boolean skipped) {
    var token = new Token(id, text, logprob, special, skipped, List.of());
    var generated = Buffer.buffer();
    StreamFormat.event(
        Json.write(json -> {
          json.writeFieldName("token");
          NativeTokens.write(json, token);
          json.writeNullField("generated_text");
          json.writeNullField("details");
        }),
        generated);

    var written = Buffer.buffer();
    new TokenEvent().append(token, written);

    assertThat(written.toString()).isEqualTo(generated.toString());
  }

  /** Any text that can come over the wire: no half characters. */
  @Provide
  Arbitrary<String> texts() {
    Arbitrary<String> plain = Arbitraries.strings().ofMaxLength(20);
    Arbitrary<String> awkward =
        Arbitraries.of("\"", "\\", "\n", "\u0000", "\u001f", "\u007f", "\u2028", "é", "猫", "🦙")
            .list()
            .ofMaxSize(6)
            .map(parts -> String.join("", parts));
    return Arbitraries.oneOf(plain, awkward)
        .filter(text -> text.codePoints().noneMatch(c -> c >= 0xD800 && c <= 0xDFFF));
  }
}
