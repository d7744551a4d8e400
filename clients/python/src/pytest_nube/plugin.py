"""The pytest plugin: the fixtures ``nube`` and ``nube_cloud``."""

import pytest

from .cloud import Cloud

_FRESH = "pytest-nube"


def pytest_addoption(parser):
    parser.addini("nube_dir", "directory of the application, from the root directory of the tests", default="")
    parser.addini("nube_stage", "stage that is deployed", default="")
    parser.addini("nube_args", "further words for nube up", type="args", default=[])
    parser.addini("nube_program", "the nube program (default: $NUBE, or nube of the PATH)", default="")


@pytest.fixture(scope="session")
def nube_cloud(pytestconfig):
    """The cloud of all tests of this process, as one test leaves it to the next."""
    directory = pytestconfig.getini("nube_dir")
    cloud = Cloud.start(
        pytestconfig.rootpath / directory if directory else None,
        program=pytestconfig.getini("nube_program") or None,
        stage=pytestconfig.getini("nube_stage") or None,
        args=pytestconfig.getini("nube_args"),
    )
    with cloud:
        cloud.settle()
        cloud.snapshot(_FRESH)
        yield cloud


@pytest.fixture
def nube(request, nube_cloud):
    """A cloud as it was deployed: what other tests have done is undone."""
    nube_cloud.clear_faults()
    nube_cloud.restore(_FRESH)
    yield nube_cloud


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows the logs of the cloud's functions."""
    outcome = yield
    report = outcome.get_result()
    cloud = getattr(item, "funcargs", {}).get("nube")
    if report.when != "call" or not report.failed or cloud is None:
        return
    lines = []
    try:
        for function in cloud.status()["functions"]:
            for line in cloud.logs(function["name"]):
                lines.append("%s %s" % (function["name"], line))
    except Exception as why:  # the failure of the test is what counts
        lines.append("the logs cannot be read: %s" % why)
    if lines:
        report.sections.append(("nube: logs of functions", "\n".join(lines[-200:])))
