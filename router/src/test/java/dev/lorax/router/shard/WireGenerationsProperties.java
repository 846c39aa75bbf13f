package dev.lorax.router.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.TokenColumns;
import dev.lorax.protocol.generate.v1.AlternativeTokens;
import dev.lorax.protocol.generate.v1.FinishReason;
import dev.lorax.protocol.generate.v1.GeneratedText;
import dev.lorax.protocol.generate.v1.Generation;
import dev.lorax.protocol.generate.v1.NextTokens;
import dev.lorax.router.ScriptedColumns;
import dev.lorax.router.batching.ShardException;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;

/** An answer says the same in rows and in columns. */
class WireGenerationsProperties {
  @Property
  void columns_say_what_rows_say(@ForAll("steps") List<Generation> rows) throws Exception {
    StepReply columns = ScriptedColumns.of(rows, null);
    var fromRows = new ArrayList<dev.lorax.router.generation.Generation>();
    var fromColumns = new ArrayList<dev.lorax.router.generation.Generation>();

    WireGenerations.addRows(rows, fromRows);
    WireGenerations.addRows(columns.getGenerationsList(), fromColumns);
    WireGenerations.addColumns(0, columns.getTokens(), fromColumns);

    assertThat(fromColumns).containsExactlyInAnyOrderElementsOf(fromRows);
  }

  @Test
  void refuses_columns_that_do_not_fit_and_says_which() {
    var short0 = TokenColumns.newBuilder().addRequestIds(1).addIds(2).addLogprobs(-1);
    var beyond = short0.clone().addTexts("a").addSpecial(1);

    assertRefused(
        short0.build(),
        "shard 3 answered a step with columns that do not fit: 1 request ids, 1 ids, 1 logprobs, 0"
            + " texts, special up to place -1");
    assertRefused(
        beyond.build(),
        "shard 3 answered a step with columns that do not fit: 1 request ids, 1 ids, 1 logprobs, 1"
            + " texts, special up to place 1");
  }

  private static void assertRefused(TokenColumns columns, String reason) {
    assertThatThrownBy(() -> WireGenerations.addColumns(3, columns, new ArrayList<>()))
        .isInstanceOfSatisfying(
            ShardException.Refused.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  /** A step: of any request no token (a prompt that goes on) or one, or several by speculation. */
  @Provide
  Arbitrary<List<Generation>> steps() {
    Arbitrary<Generation> row =
        Combinators.combine(
                Arbitraries.longs(),
                Arbitraries.frequencyOf(
                    Tuple.of(5, tokens(1, false)),
                    Tuple.of(1, tokens(1, true)),
                    Tuple.of(1, tokens(3, false)),
                    Tuple.of(1, tokens(0, false))),
                Arbitraries.frequency(Tuple.of(5, 0), Tuple.of(1, 9)),
                Arbitraries.of(true, false, false, false))
            .as((id, tokens, promptTokens, ends) -> {
              var generation =
                  Generation.newBuilder()
                      .setRequestId(id)
                      .setNextTokens(tokens)
                      .setPrefillTokensLength(promptTokens);
              if (promptTokens > 0) {
                generation.setPrefillTokens(tokens);
              }
              if (ends) {
                generation.setGeneratedText(
                    GeneratedText.newBuilder()
                        .setText("all of it")
                        .setFinishReason(FinishReason.FINISH_REASON_EOS_TOKEN)
                        .setGeneratedTokens(4)
                        .setSeed(id));
              }
              return generation.build();
            });
    return row.list().ofMaxSize(12).uniqueElements(Generation::getRequestId);
  }

  private static Arbitrary<NextTokens> tokens(int count, boolean alternatives) {
    return Combinators.combine(
            Arbitraries.integers().greaterOrEqual(0).list().ofSize(count),
            Arbitraries.floats().list().ofSize(count),
            Arbitraries.of("", " a", "猫", "\n\"").list().ofSize(count),
            Arbitraries.of(true, false).list().ofSize(count))
        .as((ids, logprobs, texts, special) -> {
          var tokens =
              NextTokens.newBuilder()
                  .addAllIds(ids)
                  .addAllLogprobs(logprobs)
                  .addAllTexts(texts)
                  .addAllIsSpecial(special);
          if (alternatives) {
            tokens.addAlternativeTokens(
                AlternativeTokens.newBuilder().addIds(7).addLogprobs(-2).addTexts("b"));
          }
          return tokens.build();
        });
  }
}
