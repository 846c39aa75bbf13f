package dev.lorax.router.encoding;

import java.util.List;

/** What the shards made of a text. */
public sealed interface Encoding {
  /** Id of the entry whose text it was. */
  long entryId();

  /** The values belong to whoever holds the record; nobody else keeps them. */
  record Embedding(long entryId, float[] values) implements Encoding {}

  /** The classes of the text's tokens in their order, or those of the text. */
  record Classification(long entryId, List<Prediction> predictions) implements Encoding {
    public Classification {
      predictions = List.copyOf(predictions);
    }
  }
}
