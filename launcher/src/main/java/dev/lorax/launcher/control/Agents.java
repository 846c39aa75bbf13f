package dev.lorax.launcher.control;

import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.protocol.launcher.v1.Hello;
import dev.lorax.protocol.launcher.v1.LauncherMessage;
import dev.lorax.protocol.launcher.v1.RunningMember;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which agents are attached and what runs under them. Thread-safe. */
final class Agents {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  /**
   * A stream between two living processes of one pod does not break, so an agent that does not come
   * back at once has died, and its members with it.
   */
  private static final Duration RETURN_DEADLINE = Duration.ofSeconds(2);

  private final Map<AgentName, Attachment> attachments = new HashMap<>();
  private final Map<AgentName, CompletableFuture<Void>> expected = new HashMap<>();
  private final Map<AgentName, Map<MemberName, AttachedMember>> members = new HashMap<>();

  synchronized boolean isAttached(AgentName agent) {
    return attachments.containsKey(agent);
  }

  /** Completes when the agent is attached, at once if it is already. */
  synchronized CompletableFuture<Void> attachment(AgentName agent) {
    if (attachments.containsKey(agent)) {
      return CompletableFuture.completedFuture(null);
    }
    return expected.computeIfAbsent(agent, same -> new CompletableFuture<>());
  }

  synchronized void attached(AgentName agent, Hello hello, Attachment attachment) {
    Attachment before = attachments.put(agent, attachment);
    if (before != null) {
      before.end();
    }
    Map<MemberName, AttachedMember> known = membersOf(agent);
    Set<MemberName> running = new HashSet<>();
    for (var member : hello.getRunningList()) {
      MemberName name = MemberName.parse(member.getMember());
      running.add(name);
      known.compute(name, (same, old) -> stillThat(agent, old, member));
    }
    known.values().stream()
        .filter(member -> !running.contains(member.name()) && member.started().isDone())
        .forEach(member -> member.hasExited(new Exit.Lost("its container was restarted")));
    LOG.atInfo().addKeyValue("agent", agent).addKeyValue("running", running).log("agent attached");
    CompletableFuture<Void> waiting = expected.remove(agent);
    if (waiting != null) {
      waiting.complete(null);
    }
  }

  private AttachedMember stillThat(
      AgentName agent, @Nullable AttachedMember old, RunningMember running) {
    if (old != null && !old.isOver() && old.epoch() == running.getEpoch()) {
      old.hasStarted(running.getProcessId());
      return old;
    }
    if (old != null) {
      old.hasExited(new Exit.Lost("another epoch of it runs"));
    }
    AttachedMember member =
        create(agent, MemberName.parse(running.getMember()), running.getEpoch());
    member.hasStarted(running.getProcessId());
    return member;
  }

  synchronized void detached(AgentName agent, Attachment attachment) {
    attachment.broken();
    if (!attachments.remove(agent, attachment)) {
      return;
    }
    LOG.atWarn().addKeyValue("agent", agent).log("agent detached");
    var unused =
        CompletableFuture.runAsync(
            () -> loseMembersOf(agent),
            CompletableFuture.delayedExecutor(RETURN_DEADLINE.toMillis(), TimeUnit.MILLISECONDS));
  }

  private synchronized void loseMembersOf(AgentName agent) {
    if (!attachments.containsKey(agent)) {
      membersOf(agent)
          .values()
          .forEach(member -> member.hasExited(new Exit.Lost("its agent went away")));
    }
  }

  /** A member that is about to be started takes the place of the last one of its name. */
  synchronized AttachedMember register(AgentName agent, MemberName name, long epoch) {
    AttachedMember member = create(agent, name, epoch);
    membersOf(agent).put(name, member);
    return member;
  }

  synchronized Optional<AttachedMember> running(AgentName agent, MemberName name) {
    return Optional.ofNullable(membersOf(agent).get(name)).filter(member -> !member.isOver());
  }

  /** Empty when the message is about a start that nobody remembers. */
  synchronized Optional<AttachedMember> find(AgentName agent, String name, long epoch) {
    return Optional.ofNullable(membersOf(agent).get(MemberName.parse(name)))
        .filter(member -> member.epoch() == epoch);
  }

  private AttachedMember create(AgentName agent, MemberName name, long epoch) {
    return new AttachedMember(name, epoch, message -> send(agent, message));
  }

  synchronized void send(AgentName agent, LauncherMessage message) {
    Attachment attachment = attachments.get(agent);
    if (attachment != null) {
      attachment.send(message);
    }
  }

  synchronized void endAll() {
    attachments.values().forEach(Attachment::end);
    attachments.clear();
  }

  private Map<MemberName, AttachedMember> membersOf(AgentName agent) {
    return members.computeIfAbsent(agent, same -> new HashMap<>());
  }
}
