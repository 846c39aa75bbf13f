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
import org.slf4j.event.Level;

/** Which agents are attached and what runs under them. Thread-safe. */
final class Agents {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  /**
   * An agent that is not back by then has died, and its members with it, or is frozen; members that
   * still answer tell the difference. Looked at again as often.
   */
  private static final Duration RETURN_DEADLINE = Duration.ofSeconds(2);

  private final Map<AgentName, Attachment> attachments = new HashMap<>();
  private final Map<AgentName, CompletableFuture<Void>> attached = new HashMap<>();
  private final Map<AgentName, CompletableFuture<Void>> able = new HashMap<>();
  private final Set<AgentName> leaving = new HashSet<>();
  private final Map<AgentName, Map<MemberName, AttachedMember>> members = new HashMap<>();

  synchronized boolean isAttached(AgentName agent) {
    return attachments.containsKey(agent);
  }

  /** Completes when the agent is attached, at once if it is already. */
  synchronized CompletableFuture<Void> attachment(AgentName agent) {
    return attachments.containsKey(agent)
        ? CompletableFuture.completedFuture(null)
        : attached.computeIfAbsent(agent, same -> new CompletableFuture<>());
  }

  /** Completes when the agent is attached and can start something, which one that leaves cannot. */
  synchronized CompletableFuture<Void> startingPlace(AgentName agent) {
    return attachments.containsKey(agent) && !leaving.contains(agent)
        ? CompletableFuture.completedFuture(null)
        : able.computeIfAbsent(agent, same -> new CompletableFuture<>());
  }

  synchronized void attached(AgentName agent, Hello hello, Attachment attachment) {
    Attachment before = attachments.put(agent, attachment);
    if (before != null) {
      before.end();
    }
    leaving.remove(agent);
    Set<MemberName> running = compare(agent, hello);
    LOG.atInfo().addKeyValue("agent", agent).addKeyValue("running", running).log("agent attached");
    tell(attached.remove(agent));
    if (hello.getLeaving()) {
      leaving(agent);
    } else {
      tell(able.remove(agent));
    }
  }

  private static void tell(@Nullable CompletableFuture<Void> waiting) {
    if (waiting != null) {
      waiting.complete(null);
    }
  }

  /** Makes what we know of the agent's members agree with what it says; those that run. */
  private Set<MemberName> compare(AgentName agent, Hello hello) {
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
    return running;
  }

  synchronized void leaving(AgentName agent) {
    LOG.atInfo().addKeyValue("agent", agent).log("agent's container was told to stop");
    leaving.add(agent);
    membersOf(agent).values().forEach(AttachedMember::isLeaving);
  }

  private AttachedMember stillThat(
      AgentName agent, @Nullable AttachedMember old, RunningMember running) {
    if (old != null && !old.isOver() && old.epoch() == running.getEpoch()) {
      old.hasStarted(running.getProcessId());
      old.repeatOrder();
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
    LOG.atLevel(leaving.contains(agent) ? Level.INFO : Level.WARN)
        .addKeyValue("agent", agent)
        .log("agent detached");
    loseSilentMembersSoon(agent);
  }

  private void loseSilentMembersSoon(AgentName agent) {
    var unused =
        CompletableFuture.runAsync(
            () -> loseSilentMembers(agent),
            CompletableFuture.delayedExecutor(RETURN_DEADLINE.toMillis(), TimeUnit.MILLISECONDS));
  }

  private synchronized void loseSilentMembers(AgentName agent) {
    if (attachments.containsKey(agent)) {
      return;
    }
    boolean answered = false;
    for (var member : membersOf(agent).values()) {
      // One that answers serves without its agent; only to restart it would need the agent.
      if (!member.isOver() && member.answers()) {
        answered = true;
      } else {
        member.hasExited(new Exit.Lost("its agent went away"));
      }
    }
    if (answered) {
      loseSilentMembersSoon(agent);
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
