package dev.lorax.launcher.status;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.process.MemberName;

/** JSON bodies of the status server. */
final class StatusJson {

  private static final double MILLIS_PER_SECOND = 1000.0;

  private StatusJson() {}

  static String error(String reason) {
    return object().put("reason", reason).toString();
  }

  static String summary(LauncherStatus.Snapshot snapshot) {
    return head(snapshot).toString();
  }

  static String full(LauncherStatus.Snapshot snapshot) {
    ObjectNode json = head(snapshot);
    if (snapshot.progress() != null) {
      json.set("progress", progressNode(snapshot.progress()));
    }
    ObjectNode members = json.putObject("members");
    snapshot
        .members()
        .forEach((member, state) -> members.set(member.toString(), memberNode(state)));
    ObjectNode restarts = json.putObject("restarts");
    restarts.put("shards", snapshot.restarts(MemberName.Role.SHARD));
    restarts.put("router", snapshot.restarts(MemberName.Role.ROUTER));
    ObjectNode times = json.putObject("phases_s");
    snapshot
        .times()
        .latest()
        .forEach((phase, duration) ->
            times.put(phase.toString(), duration.toMillis() / MILLIS_PER_SECOND));
    if (snapshot.lastFailure() != null) {
      json.putObject("last_failure")
          .put("code", snapshot.lastFailure().code().word())
          .put("reason", snapshot.lastFailure().reason())
          .put("at", snapshot.lastFailure().at().toString());
    }
    return json.toString();
  }

  static String member(MemberName member, MemberState state) {
    return memberNode(state).put("member", member.toString()).toString();
  }

  private static ObjectNode head(LauncherStatus.Snapshot snapshot) {
    return object()
        .put("phase", snapshot.phase().toString())
        .put("since", snapshot.since().toString())
        .put("epoch", snapshot.epoch())
        .put("message", StatusSentence.of(snapshot));
  }

  private static ObjectNode progressNode(Progress.Snapshot progress) {
    return object()
        .put("step", progress.step().toString())
        .put("what", progress.what())
        .put("bytes", progress.bytes())
        .put("total_bytes", progress.totalBytes())
        .put("files", progress.files())
        .put("total_files", progress.totalFiles());
  }

  private static ObjectNode memberNode(MemberState state) {
    ObjectNode node = object().put("state", state.word());
    switch (state) {
      case MemberState.Waiting waiting -> {}
      case MemberState.Loading(var epoch, var since) ->
          node.put("epoch", epoch).put("since", since.toString());
      case MemberState.Ready(var epoch, var since) ->
          node.put("epoch", epoch).put("since", since.toString());
      case MemberState.Ended(var epoch, var reason, var since) ->
          node.put("epoch", epoch).put("since", since.toString()).put("reason", reason);
    }
    return node;
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
