package dev.lorax.router;

import dev.lorax.protocol.extensions.v1.CapabilitiesRequest;
import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.extensions.v1.DescribeAdapterRequest;
import dev.lorax.protocol.extensions.v1.DescribeAdapterResponse;
import dev.lorax.protocol.extensions.v1.DescribeModelRequest;
import dev.lorax.protocol.extensions.v1.DescribeModelResponse;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsImplBase;
import dev.lorax.protocol.extensions.v1.PrepareSchemaRequest;
import dev.lorax.protocol.extensions.v1.PrepareSchemaResponse;
import dev.lorax.protocol.extensions.v1.RenderChatRequest;
import dev.lorax.protocol.extensions.v1.RenderChatResponse;
import dev.lorax.protocol.extensions.v1.ResumeRequest;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.StepRequest;
import dev.lorax.protocol.generate.v1.PrefillResponse;
import dev.lorax.router.batching.ModelAbilities;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * A chat template that shows tools and messages as they came; it refuses those from a {@code
 * robot}. No answer can follow a schema with the word {@code impossible}.
 */
final class ScriptedTemplate extends ExtensionsImplBase {
  private final AtomicInteger unanswered = new AtomicInteger();
  private final AtomicInteger askedSteps = new AtomicInteger();
  private final AtomicInteger heldSteps = new AtomicInteger();
  private final ScriptedService service;
  private final ModelAbilities abilities;
  private final BooleanSupplier hangs;
  private volatile boolean silent;

  /**
   * @param hangs whether the step that is asked for now will never be answered
   */
  ScriptedTemplate(ScriptedService service, ModelAbilities abilities, BooleanSupplier hangs) {
    this.service = service;
    this.abilities = abilities;
    this.hangs = hangs;
  }

  static String rendered(String messagesJson) {
    return rendered("", messagesJson);
  }

  static String rendered(String toolsJson, String messagesJson) {
    return "chat " + toolsJson + messagesJson + " answer";
  }

  /** From now on it takes chats and never answers, as a shard does that is about to die. */
  void fallSilent() {
    silent = true;
  }

  /** Chats that it took since then. */
  int unanswered() {
    return unanswered.get();
  }

  /** Steps that it was asked for, without those that followed in a run. */
  int askedSteps() {
    return askedSteps.get();
  }

  /** Steps that were to leave unfinished prompts as they are. */
  int heldSteps() {
    return heldSteps.get();
  }

  /** Ranks count upwards with the index; index 3 is one that it cannot tell of. */
  @Override
  public void describeAdapter(
      DescribeAdapterRequest request, StreamObserver<DescribeAdapterResponse> observer) {
    if (request.getAdapterIndex() == 3) {
      observer.onError(Status.NOT_FOUND.asRuntimeException());
      return;
    }
    observer.onNext(
        DescribeAdapterResponse.newBuilder()
            .setRank(8 * request.getAdapterIndex())
            .setBytes(1000L * request.getAdapterIndex())
            .build());
    observer.onCompleted();
  }

  @Override
  public void describeModel(
      DescribeModelRequest request, StreamObserver<DescribeModelResponse> observer) {
    int limit = abilities.maxTextTokens();
    observer.onNext(
        DescribeModelResponse.newBuilder()
            .setMaxTextTokens(limit == ModelAbilities.UNLIMITED ? 0 : limit)
            .setClassificationValue(abilities.classification().ordinal())
            .build());
    observer.onCompleted();
  }

  @Override
  public void renderChat(RenderChatRequest request, StreamObserver<RenderChatResponse> observer) {
    if (silent) {
      unanswered.incrementAndGet();
      return;
    }
    if (request.getMessagesJson().contains("robot")) {
      observer.onError(
          Status.INVALID_ARGUMENT.withDescription("unknown role robot").asRuntimeException());
      return;
    }
    observer.onNext(
        RenderChatResponse.newBuilder()
            .setPrompt(rendered(request.getToolsJson(), request.getMessagesJson()))
            .build());
    observer.onCompleted();
  }

  @Override
  public void capabilities(
      CapabilitiesRequest request, StreamObserver<CapabilitiesResponse> observer) {
    if (service.capabilities().equals(CapabilitiesResponse.getDefaultInstance())) {
      super.capabilities(request, observer);
      return;
    }
    observer.onNext(service.capabilities());
    observer.onCompleted();
  }

  @Override
  public void resume(ResumeRequest request, StreamObserver<PrefillResponse> observer) {
    service.resume(request, observer);
  }

  /** The service sees the step alone, whichever way it was asked for. */
  @Override
  public StreamObserver<StepRequest> steps(StreamObserver<StepReply> replies) {
    return new ScriptedRun(replies, service.mayRun(), askedSteps, this::step);
  }

  private void step(StepRequest request, StreamObserver<StepReply> replies) {
    if (hangs.getAsBoolean()) {
      return;
    }
    if (request.getHoldPrompts()) {
      heldSteps.incrementAndGet();
    }
    StreamObserver<PrefillResponse> begun =
        ScriptedColumns.into(
            replies,
            rows -> rows.getGenerationsList(),
            rows -> rows.hasBatch() ? rows.getBatch() : null);
    if (request.hasPrefill()) {
      service.prefill(request.getPrefill(), begun);
    } else if (request.hasResume()) {
      service.resume(request.getResume(), begun);
    } else if (request.hasEmbed()) {
      service.embed(
          request.getEmbed(),
          ScriptedColumns.into(
              replies, texts -> StepReply.newBuilder().setEmbedded(texts).build()));
    } else {
      service.decode(
          request.getDecode(),
          ScriptedColumns.into(
              replies,
              rows -> rows.getGenerationsList(),
              rows -> rows.hasBatch() ? rows.getBatch() : null));
    }
  }

  @Override
  public void prepareSchema(
      PrepareSchemaRequest request, StreamObserver<PrepareSchemaResponse> observer) {
    if (request.getSchema().contains("impossible")) {
      observer.onError(
          Status.INVALID_ARGUMENT
              .withDescription("the schema cannot be followed: impossible")
              .asRuntimeException());
      return;
    }
    observer.onNext(PrepareSchemaResponse.getDefaultInstance());
    observer.onCompleted();
  }
}
