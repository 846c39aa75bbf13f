package dev.lorax.launcher.status;

import dev.lorax.launcher.download.ByteCount;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.process.MemberName;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Says in one sentence for a person what the launcher is doing. */
final class StatusSentence {

  private StatusSentence() {}

  static String of(LauncherStatus.Snapshot snapshot) {
    return switch (snapshot.phase()) {
      case DOWNLOADING -> preparing(snapshot.progress());
      case SHARDS_LOADING -> shards(snapshot);
      case ROUTER_STARTING -> router(snapshot);
      case SERVING -> "serving";
      case STOPPING -> "stopping";
    };
  }

  private static String preparing(Progress.@Nullable Snapshot progress) {
    return progress == null
        ? "preparing the model"
        : "%s %s: %s of %s"
            .formatted(
                progress.step(),
                progress.what(),
                ByteCount.text(progress.bytes()),
                ByteCount.text(progress.totalBytes()));
  }

  private static String shards(LauncherStatus.Snapshot snapshot) {
    List<MemberName> loading = in(snapshot, MemberState.Loading.class);
    if (!loading.isEmpty()) {
      return "loading the model into %s (epoch %d)".formatted(names(loading), snapshot.epoch());
    }
    List<MemberName> ended = in(snapshot, MemberState.Ended.class);
    return ended.isEmpty()
        ? "waiting for the places of " + names(in(snapshot, MemberState.Waiting.class))
        : "about to start the shards again, because %s"
            .formatted(reason(snapshot, ended.getFirst()));
  }

  private static String router(LauncherStatus.Snapshot snapshot) {
    return switch (snapshot.members().get(MemberName.ROUTER)) {
      case MemberState.Loading loading -> "waiting for the router to be connected to the shards";
      case MemberState.Ended ended -> "about to start the router again, because " + ended.reason();
      case null, default -> "waiting for the place of the router";
    };
  }

  /** Its end may follow from what was wrong before: a shard that hangs ends by our SIGKILL. */
  private static String reason(LauncherStatus.Snapshot snapshot, MemberName member) {
    if (snapshot.lastFailure() != null) {
      return snapshot.lastFailure().reason();
    }
    return snapshot.members().get(member) instanceof MemberState.Ended(var _, var reason, var _)
        ? reason
        : member + " ended";
  }

  private static List<MemberName> in(
      LauncherStatus.Snapshot snapshot, Class<? extends MemberState> state) {
    return snapshot.members().entrySet().stream()
        .filter(member -> member.getKey().role() == MemberName.Role.SHARD)
        .filter(member -> state.isInstance(member.getValue()))
        .map(Map.Entry::getKey)
        .toList();
  }

  private static String names(List<MemberName> members) {
    return members.stream().map(MemberName::toString).collect(Collectors.joining(", "));
  }
}
