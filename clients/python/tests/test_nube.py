"""The plugin on the application of nubetest's own tests: things that can be put,
a follower of their stream, a worker that fails when it is told to."""

import datetime

import pytest

from pytest_nube import Cloud, FunctionError, NubeError


def test_put_and_follow(nube):
    assert nube.put("/things/one").status == 200
    nube.settle()
    assert nube.get("/things").text == "one\n"
    assert nube.get("/followed/one").text == "1"
    assert any("PUT one" in line for line in nube.logs("api"))


def test_isolated_from_the_one_before(nube):
    assert nube.get("/things").text == ""
    assert nube.logs("api")[-2].startswith("END") or len(nube.logs("api")) < 10


def test_clock_fires_retries(nube):
    nube.clock.stop()
    attempts = lambda: sum("START RequestId" in line for line in nube.logs("worker"))  # noqa: E731
    before = nube.clock.now
    assert nube.post("/things/fail").status == 202
    nube.settle()
    assert attempts() == 1
    nube.clock.advance(59)
    assert attempts() == 1
    nube.clock.advance(datetime.timedelta(seconds=1))
    assert attempts() == 2
    assert nube.clock.now == before + datetime.timedelta(minutes=1)
    nube.clock.set(before + datetime.timedelta(hours=1))
    nube.clock.run()
    assert nube.clock.now > before + datetime.timedelta(hours=1)
    with pytest.raises(NubeError, match="backwards"):
        nube.clock.set(before)


def test_clock_of_the_one_before_is_gone(nube):
    assert abs(nube.clock.now - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=5)


def test_fault(nube):
    with nube.fault("throttle", service="dynamodb", operation="PutItem", count=1) as fault:
        assert "ProvisionedThroughputExceeded" in nube.put("/things/one").text
        assert nube.put("/things/one").status == 200
        assert fault.hits == 1
    with pytest.raises(NubeError, match="of which service"):
        nube.fault("latency", wait=0.1)
    nube.fault("error", code="InternalServerError", service="dynamodb")  # left to the next test


def test_faults_of_the_one_before_are_gone(nube):
    assert nube.put("/things/one").status == 200


def test_invoke(nube):
    assert nube.invoke("worker", {"a": [1, "ü"]}) == {"a": [1, "ü"]}
    with pytest.raises(FunctionError) as failed:
        nube.invoke("worker", "fail")
    assert failed.value.payload["errorMessage"] == "asked to fail"
    with pytest.raises(NubeError, match="there are app-dev-"):
        nube.invoke("nobody")


def test_snapshot(nube):
    nube.put("/things/one")
    nube.snapshot("mine")
    nube.put("/things/two")
    nube.restore("mine")
    assert nube.get("/things").text == "one\n"


def test_mail(nube):
    assert nube.mail() == []
    assert nube.mail(subject="welcome", from_="nobody") == []


def test_env(nube):
    assert nube.env["AWS_REGION"] == "eu-west-1"
    assert nube.env["AWS_ENDPOINT_URL"] == nube.endpoint


def test_a_fault_may_be_removed_again(nube):
    with nube.fault("error", code="InternalServerError", service="dynamodb") as fault:
        nube.clear_faults()
    fault.remove()


def test_a_program_that_says_more(tmp_path):
    """What comes before the line that all is ready is passed over, and what comes
    after it is read, so that the program goes on."""
    program = tmp_path / "nube"
    program.write_text(
        "#!/bin/sh\n"
        "echo '{\"note\":1}'\n"
        "echo '{\"ready\":true,\"endpoint\":\"e\",\"gateway\":\"g\",\"accessKeyId\":\"k\",\"secretAccessKey\":\"s\"}'\n"
        "trap 'echo bye; echo done > %s; exit 0' TERM\n"
        "head -c 1000000 /dev/zero | tr '\\0' x\n"
        "echo full > %s\n"
        "while :; do sleep 0.05; done\n" % (tmp_path / "ended", tmp_path / "full")
    )
    program.chmod(0o755)
    cloud = Cloud.start(program=str(program))
    assert cloud.endpoint == "e"
    while not (tmp_path / "full").exists():
        assert cloud._process.poll() is None
    cloud.stop()
    assert (tmp_path / "ended").exists()
