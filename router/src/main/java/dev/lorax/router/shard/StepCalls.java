package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.ResumeRequest;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.protocol.generate.v1.EmbedResponse;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.Run;
import dev.lorax.router.batching.ShardGroup;
import dev.lorax.router.batching.StepResult;
import java.util.List;

/**
 * How shards are asked for steps. Both ways mean the same and differ in the form of the answer.
 * Every shard gets every step; each answers for the requests that fall to it.
 */
interface StepCalls {
  /**
   * The first step of a batch, on behalf of the traces of its requests.
   *
   * @param holdsPrompts whether unfinished prompts of the batch beside it make no step
   */
  Pending<StepResult> prefill(
      PrefillRequest request, boolean holdsPrompts, Run run, TraceHeaders traces);

  Pending<StepResult> decode(DecodeRequest request, Run run);

  /** The next step of requests that have generated on shards that are gone. */
  Pending<StepResult> resume(ResumeRequest request, TraceHeaders traces);

  /** See {@link ShardGroup#endRun}. */
  void endRun();

  /** Reads texts, beside the steps as far as shards can. Called in another thread than the rest. */
  Pending<List<EmbedResponse>> embed(EmbedRequest request, TraceHeaders traces);
}
