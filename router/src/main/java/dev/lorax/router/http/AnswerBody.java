package dev.lorax.router.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.buffer.BufferInternal;
import io.vertx.core.net.impl.ConnectionBase;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer that is written piece by piece. Confined to the event loop of its
 * connection.
 *
 * <p>From Vert.x's {@code write} a piece takes a queue, promises for each of its parts and an
 * encoder to the socket, which cost as much as the socket does. Where HTTP/1.1 is spoken a piece is
 * made a chunk here, and goes on from where the encoder stands, so TLS and the connection's guard
 * see it as ever. Until nothing of the answer is on Vert.x's way any more, all goes that way, so
 * pieces keep their order.
 */
final class AnswerBody {
  private static final int CRLF = '\r' << 8 | '\n';

  /** Length in hexadecimal, and two ends of lines. */
  private static final int MOST_FRAME_BYTES = 8 + 2 + 2;

  /** An event with a token. */
  private static final int TYPICAL_BYTES = 192;

  private final HttpServerResponse response;

  /** Where the encoder stands; null where an answer is not sent in chunks. */
  private final @Nullable ChannelHandlerContext encoder;

  /** For pieces that are copied before they are written. */
  private final BufferInternal scratch = BufferInternal.buffer(TYPICAL_BYTES);

  /** Pieces on Vert.x's way. */
  private int underway;

  /**
   * @param mostUnsentBytes from which on the body is {@link #full}
   */
  AnswerBody(HttpServerRequest request, int mostUnsentBytes) {
    this.response = request.response();
    this.encoder =
        request.version() == HttpVersion.HTTP_1_1
            ? ((ConnectionBase) request.connection())
                .channel()
                .pipeline()
                .context(HttpResponseEncoder.class)
            : null;
    response.setWriteQueueMaxSize(mostUnsentBytes);
  }

  /** An empty buffer for the next piece; this body's again once that is written. */
  Buffer blank() {
    if (!straight()) {
      return Buffer.buffer(TYPICAL_BYTES);
    }
    scratch.unwrap().clear();
    return scratch;
  }

  /** Sends a piece, and the head of the answer before the first one. */
  void write(Buffer piece) {
    if (encoder != null && straight()) {
      var _ = encoder.writeAndFlush(chunk(encoder, piece), encoder.voidPromise());
    } else {
      underway++;
      response.write(piece).onComplete(_ -> underway--);
    }
  }

  /** Sends the last piece. */
  void end(Buffer piece) {
    response.end(piece == scratch ? piece.copy() : piece);
  }

  private boolean straight() {
    return encoder != null && underway == 0 && response.headWritten();
  }

  /** Whether the client has left too much unread. */
  boolean full() {
    return encoder == null || underway > 0
        ? response.writeQueueFull()
        : !encoder.channel().isWritable();
  }

  private static ByteBuf chunk(ChannelHandlerContext encoder, Buffer piece) {
    ByteBuf content = ((BufferInternal) piece).unwrap();
    ByteBuf chunk = encoder.alloc().directBuffer(piece.length() + MOST_FRAME_BYTES);
    chunk.writeCharSequence(Integer.toHexString(piece.length()), US_ASCII);
    ByteBufUtil.writeShortBE(chunk, CRLF);
    chunk.writeBytes(content, 0, piece.length());
    ByteBufUtil.writeShortBE(chunk, CRLF);
    return chunk;
  }
}
