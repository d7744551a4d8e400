"""Parameter Store through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/systems-manager/latest/APIReference/
"""

from datetime import datetime, timezone

import pytest


@pytest.fixture
def ssm(client):
    return client("ssm")


@pytest.fixture
def put(ssm, request):
    """Puts a parameter, and deletes it at the end."""
    made = set()

    def parameter(name, value, **more):
        out = ssm.put_parameter(Name=name, Value=value, **({"Type": "String"} | more))
        if name not in made:
            made.add(name)
            request.addfinalizer(lambda: ssm.delete_parameter(Name=name))
        return out["Version"]

    return parameter


def test_versions_and_labels(ssm, put, name):
    """sysman-paramstore-versions.html, sysman-paramstore-labels.html: a label is of one version, and moves."""
    assert put(name, "one") == 1
    assert put(name, "two", Overwrite=True) == 2
    ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["good"])
    assert ssm.get_parameter(Name=name + ":good")["Parameter"]["Value"] == "one"
    ssm.label_parameter_version(Name=name, ParameterVersion=2, Labels=["good"])
    got = ssm.get_parameter(Name=name + ":good")["Parameter"]
    assert (got["Value"], got["Version"], got["Selector"]) == ("two", 2, ":good")
    assert got["LastModifiedDate"] <= datetime.now(timezone.utc).astimezone(got["LastModifiedDate"].tzinfo)
    history = [h for p in ssm.get_paginator("get_parameter_history").paginate(Name=name) for h in p["Parameters"]]
    assert [(h["Version"], h["Value"], h["Labels"]) for h in history] == [(1, "one", []), (2, "two", ["good"])]


def test_hierarchy(ssm, put, name):
    """sysman-paramstore-hierarchies.html: one level, or all below."""
    for path in ("a", "b", "deep/c"):
        put(f"/{name}/{path}", path)
    level = ssm.get_parameters_by_path(Path=f"/{name}")["Parameters"]
    assert [p["Name"] for p in level] == [f"/{name}/a", f"/{name}/b"]
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=f"/{name}/", Recursive=True, PaginationConfig={"PageSize": 2})
    assert sorted(p["Value"] for page in pages for p in page["Parameters"]) == ["a", "b", "deep/c"]


def test_secure_string(ssm, put, name):
    """API_GetParameter.html: opened only where that is asked for."""
    put(name, "hidden", Type="SecureString")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] != "hidden"
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "hidden"
    (described,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    assert (described["Type"], described["KeyId"]) == ("SecureString", "alias/aws/ssm")


def test_some_are_not_there(ssm, put, name):
    """API_GetParameters.html: names that nothing has are listed."""
    put(name, "x,y", Type="StringList")
    out = ssm.get_parameters(Names=[name, name + "-none"])
    assert [p["Value"] for p in out["Parameters"]] == ["x,y"]
    assert out["InvalidParameters"] == [name + "-none"]


def test_errors_by_name(ssm, put, name):
    """API_PutParameter.html, API_GetParameter.html"""
    put(name, "x")
    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name=name, Value="y", Type="String")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=name + "-none")
    with pytest.raises(ssm.exceptions.ParameterVersionNotFound):
        ssm.get_parameter(Name=name + ":7")
    with pytest.raises(ssm.exceptions.ParameterPatternMismatchException):
        ssm.put_parameter(Name=name + "-number", Value="x", Type="String", AllowedPattern=r"^\d+$")
