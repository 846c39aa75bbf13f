package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.encoding.Prediction;
import dev.lorax.router.tokenizer.TextToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Neighbouring tokens of one class, as a named thing in a text.
 *
 * @param group the class without its {@code B-} or {@code I-}
 * @param score mean of the tokens' scores
 * @param word the text of the tokens in lower case, as upstream has it
 * @param start of the first token, in code points
 * @param end of the last token
 */
record Entity(String group, float score, String word, int start, int end) {
  private static final String OUTSIDE = "O";
  private static final String BEGIN = "B-";
  private static final String INSIDE = "I-";

  /**
   * The entities of a text. A token begins one if its class says so or is another than that of the
   * token before. Tokens that the tokenizer added have no place in the text and are left out.
   */
  static List<Entity> of(String text, List<TextToken> tokens, List<Prediction> predictions) {
    if (tokens.size() != predictions.size()) {
      throw new IllegalStateException(
          "the shards classified %d of %d tokens".formatted(predictions.size(), tokens.size()));
    }
    int[] codePoints = text.codePoints().toArray();
    var entities = new ArrayList<Entity>();
    var run = new ArrayList<Place>();
    for (int i = 0; i < tokens.size(); i++) {
      TextToken token = tokens.get(i);
      if (token.start() == token.stop()) {
        continue;
      }
      var place = new Place(token, predictions.get(i));
      if (!run.isEmpty() && (place.begins() || !place.group().equals(run.getLast().group()))) {
        entities.add(of(codePoints, run));
        run.clear();
      }
      if (!place.group().equals(OUTSIDE)) {
        run.add(place);
      }
    }
    if (!run.isEmpty()) {
      entities.add(of(codePoints, run));
    }
    return entities;
  }

  void write(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("entity_group", group);
    json.writeNumberField("score", score);
    json.writeStringField("word", word);
    json.writeNumberField("start", start);
    json.writeNumberField("end", end);
    json.writeEndObject();
  }

  private static Entity of(int[] codePoints, List<Place> run) {
    int start = run.getFirst().token().start();
    int end = run.getLast().token().stop();
    float sum = 0;
    for (Place place : run) {
      sum += place.prediction().score();
    }
    String word = new String(codePoints, start, end - start).toLowerCase(Locale.ROOT);
    return new Entity(run.getFirst().group(), sum / run.size(), word, start, end);
  }

  /** A token and its class. */
  private record Place(TextToken token, Prediction prediction) {
    boolean begins() {
      return prediction.label().startsWith(BEGIN);
    }

    String group() {
      String label = prediction.label();
      return begins() || label.startsWith(INSIDE) ? label.substring(BEGIN.length()) : label;
    }
  }
}
