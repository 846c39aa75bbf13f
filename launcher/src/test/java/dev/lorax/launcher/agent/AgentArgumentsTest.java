package dev.lorax.launcher.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.agent.AgentArguments.Parsed;
import dev.lorax.launcher.control.AgentName;
import dev.lorax.launcher.process.MemberName;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class AgentArgumentsTest {

  @Test
  void knows_whom_it_serves() {
    var parsed =
        AgentArguments.parse(
            List.of("--role", "shard", "--index", "2", "--control", "/run/lorax/control.sock"));

    AgentArguments arguments = ((Parsed.Run) parsed).arguments();
    assertThat(arguments.name()).isEqualTo(new AgentName(MemberName.Role.SHARD, 2));
    assertThat(arguments.control()).isEqualTo(Path.of("/run/lorax/control.sock"));
  }

  @Test
  void tells_all_that_is_wrong_at_once() {
    var parsed = AgentArguments.parse(List.of("--role", "cook", "--index", "--colour"));

    assertThat(((Parsed.Wrong) parsed).problems())
        .containsExactly(
            "--role: expected shard or router, got cook",
            "--index: expected a whole number, got --colour",
            "--control: expected a path, got nothing");
  }

  @Test
  void answers_questions() {
    assertThat(AgentArguments.parse(List.of("--help"))).isInstanceOf(Parsed.Print.class);
    assertThat(AgentArguments.parse(List.of("-V")))
        .isEqualTo(new Parsed.Print("lorax-agent 0.1.0\n"));
  }
}
