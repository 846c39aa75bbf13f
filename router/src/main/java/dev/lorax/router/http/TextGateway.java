package dev.lorax.router.http;

import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.encoding.EncodingLoop;
import dev.lorax.router.request.TextPreparer;

/** What the routes for embeddings and classes lead to. All of it is thread-safe. */
public record TextGateway(ModelAbilities abilities, TextPreparer preparer, EncodingLoop loop) {}
