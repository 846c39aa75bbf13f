package dev.lorax.router;

import dev.lorax.protocol.generate.v1.AlternativeTokens;
import dev.lorax.protocol.generate.v1.FinishReason;
import dev.lorax.protocol.generate.v1.GeneratedText;
import dev.lorax.protocol.generate.v1.Generation;
import dev.lorax.protocol.generate.v1.NextTokens;
import dev.lorax.protocol.generate.v1.Request;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link ScriptedShard} generates for one request: words that follow from prompt and adapter
 * alone, so the same question always has the same answer. The word {@code eos3} in a prompt ends
 * the text with an end token in third place; what stands between « and » in it is the answer.
 */
final class ScriptedText {
  /** See extensions.proto. */
  static final Metadata.Key<String> FAILED_REQUESTS =
      Metadata.Key.of("lorax-failed-requests", Metadata.ASCII_STRING_MARSHALLER);

  private static final int VOCABULARY = 50;
  private static final int END_TOKEN = 2;
  private static final int DICTATED_PIECE = 5;
  private static final Pattern DICTATED = Pattern.compile("«(.*?)»");

  private final Request request;
  private final @Nullable String dictated;
  private final StringBuilder text = new StringBuilder();
  private int generated;
  private boolean ended;

  ScriptedText(Request request) {
    this.request = request;
    var quoted = DICTATED.matcher(request.getInputs());
    // A chat is rendered as the JSON that it came in.
    this.dictated = quoted.find() ? quoted.group(1).replace("\\\"", "\"") : null;
  }

  /** Goes on after tokens that it has generated elsewhere; false if those are others. */
  boolean resume(List<Integer> ids) {
    for (int id : ids) {
      if (next().getNextTokens().getIds(0) != id || ended) {
        return false;
      }
    }
    return true;
  }

  /** The whole text that a request must get, for tests to compare with. */
  static String expected(String prompt, String adapterId, int tokens) {
    var text = new StringBuilder();
    for (int i = 0; i < tokens; i++) {
      text.append(word(prompt, adapterId, i));
    }
    return text.toString();
  }

  Request request() {
    return request;
  }

  /** Whether its numbers overflow; with {@code odd overflow} only where its own is odd. */
  private boolean overflows() {
    String inputs = request.getInputs();
    return inputs.contains("overflow")
        && (!inputs.contains("odd overflow") || request.getId() % 2 == 1);
  }

  /** As a shard does that says over which requests a step failed. */
  static void failOnOverflow(@Nullable List<ScriptedText> texts) {
    String culprits =
        (texts == null ? List.<ScriptedText>of() : texts)
            .stream()
                .filter(ScriptedText::overflows)
                .map(text -> Long.toString(text.request().getId()))
                .collect(Collectors.joining(","));
    if (!culprits.isEmpty()) {
      var trailers = new Metadata();
      trailers.put(FAILED_REQUESTS, culprits);
      throw Status.INTERNAL.withDescription("numbers overflow").asRuntimeException(trailers);
    }
  }

  boolean ended() {
    return ended;
  }

  Generation next() {
    boolean endToken = ends();
    String word = word();
    var alternatives = AlternativeTokens.newBuilder();
    var tokens =
        NextTokens.newBuilder()
            .addIds(endToken ? END_TOKEN : dictated == null ? id(word) : VOCABULARY)
            .addTexts(endToken ? "</s>" : word)
            .addLogprobs(-0.1f * (generated + 1))
            .addIsSpecial(endToken);
    for (int i = 0; i < request.getParameters().getReturnKAlternatives(); i++) {
      alternatives.addIds(200 + i).addTexts(" o" + i).addLogprobs(-1f - i);
    }
    if (request.getParameters().getReturnKAlternatives() > 0) {
      tokens.addAlternativeTokens(alternatives);
    }
    generated++;
    text.append(endToken ? "" : word);
    var generation = Generation.newBuilder().setRequestId(request.getId()).setNextTokens(tokens);
    if (generated == 1) {
      generation.setPrefillTokensLength(request.getTokenizedInputs().getIdsCount());
      if (request.getPrefillLogprobs()) {
        generation.setPrefillTokens(prefill());
      }
    }
    FinishReason reason = finishReason(endToken);
    if (reason != null) {
      ended = true;
      generation.setGeneratedText(end(reason));
    }
    return generation.build();
  }

  private boolean ends() {
    return dictated == null
        ? request.getInputs().contains("eos3") && generated == 2
        : generated * DICTATED_PIECE >= dictated.length();
  }

  private String word() {
    if (dictated == null) {
      return word(request.getInputs(), request.getParameters().getAdapterId(), generated);
    }
    int start = Math.min(generated * DICTATED_PIECE, dictated.length());
    return dictated.substring(start, Math.min(start + DICTATED_PIECE, dictated.length()));
  }

  private @Nullable FinishReason finishReason(boolean endToken) {
    var stopping = request.getStoppingParameters();
    if (generated >= stopping.getMaxNewTokens()) {
      return FinishReason.FINISH_REASON_LENGTH;
    }
    if (endToken && !stopping.getIgnoreEosToken()) {
      return FinishReason.FINISH_REASON_EOS_TOKEN;
    }
    boolean stopped = stopping.getStopSequencesList().stream().anyMatch(text.toString()::endsWith);
    return stopped ? FinishReason.FINISH_REASON_STOP_SEQUENCE : null;
  }

  private GeneratedText end(FinishReason reason) {
    var end =
        GeneratedText.newBuilder()
            .setText(text.toString())
            .setGeneratedTokens(generated)
            .setFinishReason(reason);
    if (request.getParameters().getDoSample()) {
      end.setSeed(request.getParameters().getSeed());
    }
    return end.build();
  }

  private NextTokens prefill() {
    var tokens = NextTokens.newBuilder();
    for (int i = 0; i < request.getTokenizedInputs().getIdsCount(); i++) {
      tokens.addIds(request.getTokenizedInputs().getIds(i));
      tokens.addTexts("p" + i);
      tokens.addLogprobs(i == 0 ? Float.NaN : -1.5f);
    }
    return tokens.build();
  }

  private static String word(String prompt, String adapterId, int place) {
    int start = Math.floorMod((prompt + "|" + adapterId).hashCode(), VOCABULARY);
    return " w" + (start + place) % VOCABULARY;
  }

  private static int id(String word) {
    return 100 + Integer.parseInt(word.substring(2));
  }
}
