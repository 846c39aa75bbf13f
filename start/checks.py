"""`./lorax test`: form, types, rules, unit and property tests, API server, end to end."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import container_images
import counts
import demo_models
import form
import programs
import python_environment
from failure import Failure
from places import CHECKOUT, LOGS, cache
from stages import Stages
from toolchain import build_environment, maven

_SHARD = CHECKOUT / "shard-image"
_CLUSTER = CHECKOUT / "e2e" / "cluster"
_ROUTER_CLIENTS = CHECKOUT / "router" / "src" / "test" / "python" / "requirements.txt"
_OTHER_PYTHON_TESTS = ["start/tests", "bench/tests", "shard-image/demo", "launcher/src/test/python"]


def test(arguments: list[str]) -> int:
    """Runs every check in turn; ends at the first stage that fails, with times and counts."""
    options = _parse(arguments)
    stages = Stages()
    _forget_old_reports()
    try:
        _run(stages, options)
        failure = None
    except Failure as reason:
        failure = reason
    print(f"\nstage times\n{stages.table()}\n")
    total = _total()
    if failure is not None:
        print(f"{failure}\n")
        total += counts.Counts(failed=0 if total.failed else 1)
    elif total.passed == 0:
        raise Failure("no test ran")
    print(total, flush=True)
    return 1 if failure else 0


def _run(stages: Stages, options: argparse.Namespace) -> None:
    if not options.no_cluster:
        container_images.packages(stages)
        ahead = container_images.ClusterProgramAhead()
    python = python_environment.python(stages, "test")
    programs.protocol_code(stages, python)
    programs.cpu_kernels(stages, python)
    form.check_python(stages, python)
    programs.forget_quick_classes()
    clients = python_environment.of(stages, "client environment", "clients", _ROUTER_CLIENTS)
    units = {
        **build_environment(),
        "LORAX_TEST_PYTHON": str(python),
        "LORAX_ROUTER_PYTHON": str(clients),
    }
    stages.run("java units", maven("verify", "-DskipITs"), env=units)
    folder = programs.wrappers(python)
    model = demo_models.gguf(stages)
    converted = programs.convert(stages, folder, model, cache() / "models")
    _shard_tests(stages, python, converted, model, demo_models.embedding_model(stages))
    _local_stories(stages, python, folder, model)
    if options.no_cluster:
        return
    cluster = ahead.wait(stages)
    _cluster_tests(stages)
    _api_server_tests(stages, cluster)
    stories(stages, story_environment(stages, python, cluster))


def _shard_tests(
    stages: Stages, python: Path, converted: Path, gguf: Path, embedding_model: Path
) -> None:
    environment = {
        **os.environ,
        "LORAX_DEMO_MODEL": str(converted),
        "LORAX_DEMO_GGUF": str(gguf),
        "LORAX_EMBEDDING_MODEL": str(embedding_model),
        "PYTHONPATH": str(_SHARD / "src"),
    }
    report = LOGS / "pytest.xml"
    tests = ["-m", "pytest", "-q", f"--junitxml={report}"]
    stages.run("shard tests", [str(python), *tests], directory=_SHARD, env=environment)
    others = [
        "-m",
        "pytest",
        "-q",
        f"--junitxml={LOGS / 'pytest-others.xml'}",
        *_OTHER_PYTHON_TESTS,
    ]
    stages.run("other python tests", [str(python), *others], env=environment)


def _local_stories(stages: Stages, python: Path, folder: Path, gguf: Path) -> None:
    environment = {
        **os.environ,
        "HUGGINGFACE_HUB_CACHE": str(cache() / "models"),
        "LORAX_DEMO_GGUF": str(gguf),
        "LORAX_LAUNCHER": str(folder / "lorax-launcher"),
    }
    report = LOGS / "pytest-local.xml"
    tests = ["-m", "pytest", f"--junitxml={report}", "e2e/local"]
    stages.run("local stories", [str(python), *tests], env=environment)


def _cluster_tests(stages: Stages) -> None:
    form.check_go(stages)
    command = ["go", "test", "-v", "./..."]
    stages.run("cluster tests", command, directory=_CLUSTER, env=form.go_environment())


def _api_server_tests(stages: Stages, cluster: Path) -> None:
    linked = CHECKOUT / "target" / "api-server"
    stages.run("linked api server", [str(cluster), "link", str(linked)])
    stages.run(
        "api server tests",
        maven(
            "verify",
            "-Dskip.units=true",
            "--projects",
            "operator",
            "--also-make",
        ),
        env={
            **build_environment(),
            "KUBE_API_TEST_DIR": str(linked),
            "LORAX_HELM": str(cluster.parent / "helm"),
        },
    )


def story_environment(stages: Stages, python: Path, cluster: Path) -> dict[str, str]:
    """What the stories of the cluster are told with; the images are built for it."""
    clients = python_environment.of(stages, "client environment", "clients", _ROUTER_CLIENTS)
    images = container_images.build(stages, python)
    return {
        **build_environment(),
        "LORAX_CLUSTER_PROGRAM": str(cluster),
        "LORAX_IMAGES": ",".join(map(str, images)),
        "LORAX_TEST_PYTHON": str(clients),
    }


def stories(stages: Stages, environment: Mapping[str, str], *properties: str) -> None:
    """Tells the stories of the cluster, all or those that a property of the build names."""
    stages.run(
        "end to end",
        maven(
            "verify",
            "-Pe2e",
            "--projects",
            "e2e",
            "--also-make",
            "-Dskip.units=true",
            *properties,
        ),
        env=environment,
    )


def _reports() -> list[Path]:
    reports = [
        *CHECKOUT.glob("*/target/surefire-reports/TEST-*.xml"),
        *CHECKOUT.glob("*/target/failsafe-reports/TEST-*.xml"),
    ]
    return [*reports, *LOGS.glob("pytest*.xml")]


def _forget_old_reports() -> None:
    for report in [*_reports(), *LOGS.glob("*.log")]:
        report.unlink()


def _total() -> counts.Counts:
    go = LOGS / "cluster-tests.log"
    return counts.of_reports(_reports()) + (counts.of_go(go) if go.exists() else counts.Counts())


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lorax test", description="run all checks and tests")
    parser.add_argument(
        "--no-cluster",
        action="store_true",
        help="leave out what needs root and containers: the API server tests and the stories",
    )
    return parser.parse_args(arguments)
