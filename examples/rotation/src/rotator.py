"""Rotates the password of an account. Secrets Manager calls the function four times
for each rotation, once for each step. A step that fails is called again, so each is
of no effect the second time.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-lambda-function-overview.html
"""

import json
import logging
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "vendor"))

import boto3  # noqa: E402

from src.accounts import Accounts  # noqa: E402

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"

log = logging.getLogger()
log.setLevel(logging.INFO)

# Outside the handler: warm invocations use them again.
secrets = boto3.client("secretsmanager")
accounts = Accounts(boto3.resource("dynamodb").Table(os.environ["ACCOUNTS_TABLE"]))


def handler(event, context):
    rotate(secrets, accounts, event)


def rotate(secrets, accounts, event):
    """Does one step of a rotation, for the version whose id is the event's token."""
    secret, version, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    log.info("STEP %s of version %s", step, version)
    stages = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    if CURRENT in stages.get(version, []):
        log.info("version %s of %s is the current one already", version, secret)
        return
    if PENDING not in stages.get(version, []):
        raise ValueError(f"version {version} of {secret} is not to be rotated")
    if step == "createSecret":
        create(secrets, secret, version)
    elif step == "setSecret":
        login = read(secrets, secret, version)
        accounts.set_password(login["username"], login["password"])
    elif step == "testSecret":
        login = read(secrets, secret, version)
        if not accounts.check(login["username"], login["password"]):
            raise ValueError(f"version {version} of {secret} does not let in")
    elif step == "finishSecret":
        old = next(v for v, labels in stages.items() if CURRENT in labels)
        secrets.update_secret_version_stage(SecretId=secret, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=old)
        log.info("version %s of %s is the current one", version, secret)
    else:
        raise ValueError(f"no step of a rotation: {step}")


def create(secrets, secret, version):
    """Makes the new version, unless an attempt before this one has."""
    try:
        read(secrets, secret, version)
        return
    except secrets.exceptions.ResourceNotFoundException:
        pass
    login = json.loads(secrets.get_secret_value(SecretId=secret, VersionStage=CURRENT)["SecretString"])
    login["password"] = secrets.get_random_password(PasswordLength=32, ExcludePunctuation=True)["RandomPassword"]
    secrets.put_secret_value(SecretId=secret, ClientRequestToken=version, SecretString=json.dumps(login), VersionStages=[PENDING])


def read(secrets, secret, version):
    value = secrets.get_secret_value(SecretId=secret, VersionId=version, VersionStage=PENDING)
    return json.loads(value["SecretString"])
