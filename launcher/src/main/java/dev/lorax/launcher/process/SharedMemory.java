package dev.lorax.launcher.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes the segments of shared memory that members leave behind when they are killed; PyTorch and
 * NCCL remove theirs only at an orderly end. Thread-safe.
 *
 * <p>A segment is a member's when one of the member's processes was seen with it in its memory, or
 * has its process id in the segment's name; what was there before any member, and no ledger names,
 * is somebody else's. It is removed once the member has ended and no process that we can see has it
 * in memory. What is known is also written to a ledger, so that the next launcher removes what a
 * killed one left. Nothing else is ever touched.
 */
final class SharedMemory implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private static final Duration PERIOD = Duration.ofSeconds(1);

  /** Looks after which a segment that no member holds is taken for somebody else's. */
  private static final int LOOKS = 60;

  private static final Duration DEATH_DEADLINE = Duration.ofSeconds(2);
  private static final Duration DEATH_POLL = Duration.ofMillis(20);

  private final Path directory;
  private final SegmentLedger ledger;
  private final ProcessTable processes;
  private final Set<Long> leaders = new HashSet<>();
  private final Map<Long, Long> leaderOf = new HashMap<>();
  private final Map<SharedSegment, Set<Long>> owned = new HashMap<>();
  private final Map<SharedSegment, Integer> looks = new HashMap<>();
  private final Thread thread;

  private SharedMemory(Path directory, SegmentLedger ledger, ProcessTable processes) {
    this.directory = directory;
    this.ledger = ledger;
    this.processes = processes;
    ledger.read().forEach(left -> owned.put(left, new HashSet<>()));
    present().forEach(segment -> looks.put(segment, LOOKS));
    this.thread = Thread.ofPlatform().daemon().name("shared-memory").unstarted(this::watch);
  }

  /** Also removes what the last user of this ledger left. */
  static SharedMemory watch(Path directory, Path ledgerFile) {
    var memory =
        new SharedMemory(
            directory, new SegmentLedger(ledgerFile), new ProcessTable(Path.of("/proc")));
    memory.removeUnused();
    memory.thread.start();
    return memory;
  }

  synchronized void started(long leader) {
    leaders.add(leader);
    leaderOf.put(leader, leader);
  }

  /** To be called before a member is ended as well: afterwards its memory cannot be seen. */
  synchronized void look() {
    Set<SharedSegment> present = present();
    owned.keySet().retainAll(present);
    looks.keySet().retainAll(present);
    present.removeIf(segment -> looks.merge(segment, 1, Integer::sum) > LOOKS);
    findOwners(present);
    ledger.write(owned.keySet());
  }

  /** One owner is enough: whether others have it in memory is seen when it is to be removed. */
  private void findOwners(Set<SharedSegment> segments) {
    segments.removeIf(segment -> isOwned(segment) || ownByName(segment));
    if (segments.isEmpty()) {
      // Looking into every process is the dear part.
      return;
    }
    for (long leader : leaders) {
      for (long process : processes.session(leader)) {
        leaderOf.put(process, leader);
        Set<SharedSegment> held = processes.mapped(process, directory);
        segments.stream().filter(held::contains).forEach(segment -> own(segment, leader));
      }
    }
    segments.forEach(this::ownByName);
  }

  private boolean isOwned(SharedSegment segment) {
    return !owned.getOrDefault(segment, Set.of()).isEmpty();
  }

  private boolean ownByName(SharedSegment segment) {
    var leader = segment.ownerInName().map(leaderOf::get);
    leader.ifPresent(known -> own(segment, known));
    return leader.isPresent();
  }

  /** All processes of this member have ended or were killed. */
  void ended(long leader) throws InterruptedException {
    look();
    awaitDeath(leader);
    synchronized (this) {
      leaders.remove(leader);
      leaderOf.values().removeIf(value -> value == leader);
      owned.values().forEach(owners -> owners.remove(leader));
      removeUnused();
    }
  }

  private void own(SharedSegment segment, long leader) {
    owned.computeIfAbsent(segment, same -> new HashSet<>()).add(leader);
  }

  private Set<SharedSegment> present() {
    Set<SharedSegment> present = new HashSet<>();
    try (var files = Files.newDirectoryStream(directory)) {
      files.forEach(file -> SharedSegment.of(file).ifPresent(present::add));
    } catch (IOException absent) {
      present.clear();
    }
    return present;
  }

  private synchronized void removeUnused() {
    Set<SharedSegment> left =
        owned.entrySet().stream()
            .filter(segment -> segment.getValue().isEmpty())
            .map(Map.Entry::getKey)
            .collect(Collectors.toSet());
    if (left.isEmpty()) {
      return;
    }
    for (long process : processes.all()) {
      left.removeAll(processes.mapped(process, directory));
    }
    left.forEach(this::remove);
    ledger.write(owned.keySet());
  }

  private void remove(SharedSegment segment) {
    Path file = directory.resolve(segment.name());
    try {
      // The name may have been given to another segment meanwhile.
      if (SharedSegment.of(file).filter(segment::equals).isPresent()) {
        Files.delete(file);
        LOG.atInfo().addKeyValue("segment", file).log("removed shared memory of an ended member");
      }
      owned.remove(segment);
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("segment", file).log("shared memory of an ended member stays");
    }
  }

  private void awaitDeath(long leader) throws InterruptedException {
    for (long waited = 0;
        waited < DEATH_DEADLINE.toMillis() && !processes.session(leader).isEmpty();
        waited += DEATH_POLL.toMillis()) {
      Thread.sleep(DEATH_POLL);
    }
  }

  private void watch() {
    try {
      while (true) {
        look();
        Thread.sleep(PERIOD);
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    thread.interrupt();
    removeUnused();
  }
}
