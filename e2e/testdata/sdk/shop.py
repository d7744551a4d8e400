"""Uses a running shop through AWS's SDK for Python, and fails loudly where an
answer is not what AWS's would be.

GATEWAY is the application; AWS_ENDPOINT_URL and the usual variables are the
cloud; NUBE is the program, which is asked to settle instead of sleeping.
"""

import base64
import json
import os
import re
import subprocess
import urllib.request

import boto3
from boto3.dynamodb.conditions import Key

FUNCTION = os.environ["FUNCTION"]
GROUP = "/aws/lambda/" + FUNCTION


def refused(error, code, message, call, **arguments):
    """Checks that a call fails with a code and a message."""
    try:
        call(**arguments)
    except error as e:
        got = e.response["Error"]
        assert got["Code"] == code, got
        assert re.search(message, got["Message"]), got
    else:
        raise AssertionError(f"{call} was not refused")


def create_user():
    body = json.dumps({"name": "Python", "email": "py@example.com"}).encode()
    request = urllib.request.Request(os.environ["GATEWAY"] + "/users", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        assert response.status == 201, response.status
        return json.load(response)


def read_table(user):
    table = boto3.resource("dynamodb").Table("users-dev")
    item = table.get_item(Key={"id": user["id"]}, ConsistentRead=True)["Item"]
    assert item["name"] == "Python", item
    found = table.query(KeyConditionExpression=Key("id").eq(user["id"]))
    assert found["Count"] == 1 and found["Items"][0] == item, found
    client = boto3.client("dynamodb")
    refused(client.exceptions.ResourceNotFoundException, "ResourceNotFoundException", "^Requested resource not found$",
            client.get_item, TableName="nothing", Key={"id": {"S": "1"}})


def invoke(user):
    client = boto3.client("lambda")
    payload = json.dumps({"httpMethod": "GET", "path": "/users/" + user["id"]})
    answered = client.invoke(FunctionName=FUNCTION, Payload=payload, LogType="Tail")
    assert answered["StatusCode"] == 200 and "FunctionError" not in answered, answered
    assert answered["ExecutedVersion"] == "$LATEST", answered
    assert json.loads(json.load(answered["Payload"])["body"])["name"] == "Python"
    assert b"REPORT RequestId: " in base64.b64decode(answered["LogResult"])

    accepted = client.invoke(FunctionName=FUNCTION, Payload=payload, InvocationType="Event")
    assert accepted["StatusCode"] == 202, accepted
    assert client.invoke(FunctionName=FUNCTION, Payload=payload, InvocationType="DryRun")["StatusCode"] == 204
    refused(client.exceptions.ResourceNotFoundException, "ResourceNotFoundException", r"^Function not found: arn:aws:lambda:us-east-1:\d{12}:function:nobody$",
            client.invoke, FunctionName="nobody")
    return [r["ResponseMetadata"]["RequestId"] for r in (answered, accepted)]


def read_logs(requests):
    client = boto3.client("logs")
    for request in requests:
        found = client.filter_log_events(logGroupName=GROUP, filterPattern=f'"START RequestId: {request}"')["events"]
        assert len(found) == 1, (request, found)
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 3})
    messages = [e["message"] for page in pages for e in page["events"]]
    assert len(messages) >= 6, messages


def describe():
    stack = boto3.client("cloudformation").describe_stacks(StackName=os.environ["STACK"])["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    boto3.client("cloudformation").get_waiter("stack_create_complete").wait(StackName=os.environ["STACK"])
    me = boto3.client("sts").get_caller_identity()
    assert me["Arn"] == f"arn:aws:iam::{me['Account']}:root", me


user = create_user()
read_table(user)
requests = invoke(user)
subprocess.run([os.environ["NUBE"], "settle", "--timeout", "60s"], check=True, stdout=subprocess.DEVNULL)
read_logs(requests)
describe()
