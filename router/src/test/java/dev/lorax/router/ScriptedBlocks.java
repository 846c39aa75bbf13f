package dev.lorax.router;

import dev.lorax.protocol.generate.v1.Request;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;

/** What the rules of the protocol say about the blocks of cached requests. */
final class ScriptedBlocks {
  private ScriptedBlocks() {}

  /** The rules that are broken. */
  static List<String> problems(Collection<List<ScriptedText>> batches, int blockSize) {
    var problems = new ArrayList<String>();
    var owned = new HashSet<Integer>();
    for (List<ScriptedText> texts : batches) {
      for (ScriptedText text : texts) {
        Request request = text.request();
        int needed =
            request.getTokenizedInputs().getIdsCount()
                + request.getStoppingParameters().getMaxNewTokens()
                - 1;
        if (request.getSlotsCount() < needed) {
          problems.add("too few slots");
        }
        if (request.getBlocksList().contains(0)) {
          problems.add("the reserved block");
        }
        int shared = request.getCacheLen() / blockSize;
        if (shared * blockSize != request.getCacheLen()) {
          problems.add("a part of a cached block");
        }
        // What is cached owns its blocks, ended or not, until the router has it filtered out.
        List<Integer> own = request.getBlocksList().subList(shared, request.getBlocksCount());
        if (own.stream().anyMatch(owned::contains)) {
          problems.add("a shared block");
        }
        owned.addAll(own);
      }
    }
    return problems;
  }
}
