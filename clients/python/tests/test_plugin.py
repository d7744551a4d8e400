"""What the plugin shows when things go wrong."""

import os

import pytest

from pytest_nube import Cloud, NubeError

pytest_plugins = ["pytester"]

# pytester has a home of its own, in which Go would build everything anew.
HOME = os.path.expanduser("~")


def test_a_failing_test_shows_the_logs(pytester, pytestconfig, monkeypatch):
    monkeypatch.setenv("HOME", HOME)
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath / "src"))
    pytester.makeini("[pytest]\nnube_dir = %s" % (pytestconfig.rootpath / pytestconfig.getini("nube_dir")).resolve())
    pytester.makepyfile(
        """
        def test_it(nube):
            nube.put("/things/shown")
            nube.settle()
            assert False
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_nube.plugin")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nube: logs of functions*", "*app-dev-api PUT shown*"])


def test_a_mistake_in_the_manifest_is_shown(tmp_path):
    (tmp_path / "serverless.yml").write_text("service: broken\nprovider: {name: aws}\nfunctions: {f: {handlr: x}}\n")
    with pytest.raises(NubeError, match=r"serverless\.yml:3"):
        Cloud.start(tmp_path)
