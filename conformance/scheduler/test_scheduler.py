"""EventBridge Scheduler through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/scheduler/latest/APIReference/
"""

import json
from datetime import datetime, timedelta, timezone

import pytest


@pytest.fixture
def scheduler(client):
    return client("scheduler")


@pytest.fixture
def role(client, request, name):
    """A role that the scheduler assumes, which may send to all queues."""
    iam = client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    request.addfinalizer(lambda: iam.delete_role(RoleName=name))
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="send", PolicyDocument=json.dumps(may))
    request.addfinalizer(lambda: iam.delete_role_policy(RoleName=name, PolicyName="send"))
    return arn


@pytest.fixture
def schedule(scheduler, request, role, until):
    """Makes a schedule, which may have gone at the end of the test."""

    def make(name, expression, target, **more):
        def create():
            try:
                return scheduler.create_schedule(
                    Name=name, ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target={"Arn": target, "RoleArn": role, "Input": '{"a":1}'}, **more
                )
            except scheduler.exceptions.ValidationException as e:
                # A new role is not there at once.
                if "assume" not in str(e):
                    raise
                return None

        arn = until(create)["ScheduleArn"]

        def delete():
            try:
                scheduler.delete_schedule(Name=name)
            except scheduler.exceptions.ResourceNotFoundException:
                pass

        request.addfinalizer(delete)
        return arn

    return make


def test_once(scheduler, schedule, queue, name, until):
    """schedule-types.html, managing-schedule-delete.html: at its time, once, and gone afterwards where that is asked for."""
    q = queue(name)
    at = datetime.now(timezone.utc) + timedelta(seconds=2)
    schedule(name, at.strftime("at(%Y-%m-%dT%H:%M:%S)"), q.arn, ActionAfterCompletion="DELETE")
    (got,) = q.receive()
    assert json.loads(got["Body"]) == {"a": 1}
    assert int(got["Attributes"]["SentTimestamp"]) >= int(at.replace(microsecond=0).timestamp()) * 1000

    def gone():
        try:
            return not scheduler.get_schedule(Name=name)
        except scheduler.exceptions.ResourceNotFoundException:
            return True

    until(gone)


def test_kept_as_given(scheduler, schedule, queue, name):
    """API_GetSchedule.html: times are times, what is optional is there as it was given."""
    q = queue(name)
    start = datetime(2099, 1, 1, tzinfo=timezone.utc)
    arn = schedule(name, "cron(30 2 ? * MON#1 *)", q.arn, ScheduleExpressionTimezone="Europe/Madrid", StartDate=start, State="DISABLED", Description="d")
    got = scheduler.get_schedule(Name=name)
    assert (got["Arn"], got["ScheduleExpression"], got["ScheduleExpressionTimezone"]) == (arn, "cron(30 2 ? * MON#1 *)", "Europe/Madrid")
    assert (got["StartDate"], got["State"], got["Description"], got["GroupName"]) == (start, "DISABLED", "d", "default")
    assert got["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert name in [s["Name"] for p in scheduler.get_paginator("list_schedules").paginate(NamePrefix=name) for s in p["Schedules"]]


def test_errors_by_name(scheduler, schedule, queue, role, name):
    """API_CreateSchedule.html"""
    q = queue(name)
    schedule(name, "rate(1 day)", q.arn)
    target = {"Arn": q.arn, "RoleArn": role}
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule(Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    for expression in ("rate(0 days)", "cron(1 2 3 4 5)", "at(tomorrow)"):
        with pytest.raises(scheduler.exceptions.ValidationException):
            scheduler.create_schedule(Name=name + "2", ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name + "2")
