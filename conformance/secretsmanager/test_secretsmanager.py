"""AWS Secrets Manager through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/secretsmanager/latest/apireference/
"""

from datetime import datetime

import pytest


@pytest.fixture
def secrets(client):
    return client("secretsmanager")


@pytest.fixture
def secret(secrets, request):
    """Makes a secret, and deletes it at the end."""

    def make(name, **more):
        out = secrets.create_secret(Name=name, **more)
        request.addfinalizer(lambda: secrets.delete_secret(SecretId=out["ARN"], ForceDeleteWithoutRecovery=True))
        return out

    return make


def test_stages(secrets, secret, name):
    """whats-in-a-secret.html#term_version: the version before is AWSPREVIOUS; stages move between versions."""
    first = secret(name, SecretString="one")["VersionId"]
    second = secrets.put_secret_value(SecretId=name, SecretString="two")["VersionId"]
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "two"
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    third = secrets.put_secret_value(SecretId=name, SecretString="three", VersionStages=["next"])["VersionId"]
    assert secrets.describe_secret(SecretId=name)["VersionIdsToStages"] == {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"], third: ["next"]}
    secrets.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=third, RemoveFromVersionId=second)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "three"
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "two"


def test_binary(secrets, secret, name):
    """API_GetSecretValue.html: bytes are bytes."""
    secret(name, SecretBinary=b"\x00\xff")
    got = secrets.get_secret_value(SecretId=name)
    assert got["SecretBinary"] == b"\x00\xff"
    assert "SecretString" not in got
    assert isinstance(got["CreatedDate"], datetime)


def test_deleted_and_restored(secrets, secret, name):
    """manage_delete-secret.html: marked, it is not read; restored, it is as before."""
    secret(name, SecretString="x")
    out = secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    assert 6 <= (out["DeletionDate"] - datetime.now(out["DeletionDate"].tzinfo)).days <= 7
    with pytest.raises(secrets.exceptions.InvalidRequestException):
        secrets.get_secret_value(SecretId=name)
    secrets.restore_secret(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"


def test_random_password(secrets):
    """API_GetRandomPassword.html"""
    got = secrets.get_random_password(PasswordLength=40, ExcludePunctuation=True, ExcludeNumbers=True, ExcludeUppercase=True)["RandomPassword"]
    assert len(got) == 40 and got.isalpha() and got.islower()


def test_errors_by_name(secrets, secret, name):
    """API_CreateSecret.html, API_GetSecretValue.html"""
    secret(name, SecretString="x")
    with pytest.raises(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=name, SecretString="y")
    with pytest.raises(secrets.exceptions.ResourceNotFoundException) as e:
        secrets.get_secret_value(SecretId=name + "-none")
    assert e.value.response["Error"]["Message"] == "Secrets Manager can't find the specified secret."
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId=name, VersionStage="none")


def test_pages(secrets, secret, name):
    """API_ListSecrets.html: filters by name are by its beginning."""
    for i in range(3):
        secret(f"{name}-{i}", SecretString="x")
    pages = secrets.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [name]}], PaginationConfig={"PageSize": 2})
    assert sorted(s["Name"] for p in pages for s in p["SecretList"]) == [f"{name}-{i}" for i in range(3)]
