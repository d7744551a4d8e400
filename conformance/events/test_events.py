"""Amazon EventBridge through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/eventbridge/latest/userguide/
"""

import json
from datetime import datetime, timezone

import pytest


@pytest.fixture
def events(client):
    return client("events")


@pytest.fixture
def bus(events, request, name):
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    request.addfinalizer(lambda: events.delete_event_bus(Name=name))
    return arn


@pytest.fixture
def rule(events, request, name, bus, queue):
    """Makes a rule of the bus whose target is a queue, and returns the queue."""

    def make(pattern, **target):
        q = queue(name)
        arn = events.put_rule(Name="r", EventBusName=name, EventPattern=json.dumps(pattern))["RuleArn"]
        request.addfinalizer(lambda: events.delete_rule(Name="r", EventBusName=name))
        q.allow("events.amazonaws.com", arn)
        out = events.put_targets(Rule="r", EventBusName=name, Targets=[{"Id": "q", "Arn": q.arn, **target}])
        assert out["FailedEntryCount"] == 0
        request.addfinalizer(lambda: events.remove_targets(Rule="r", EventBusName=name, Ids=["q"]))
        return q

    return make


def test_event(events, rule, name):
    """eb-events-structure.html: what a target gets."""
    q = rule({"source": ["shop"], "detail": {"total": [{"numeric": [">=", 10]}]}})
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    out = events.put_events(
        Entries=[
            {"EventBusName": name, "Source": "shop", "DetailType": "Order", "Detail": '{"total":9}', "Time": at},
            {"EventBusName": name, "Source": "shop", "DetailType": "Order", "Detail": '{"total":10}', "Time": at, "Resources": ["arn:x"]},
        ]
    )
    assert out["FailedEntryCount"] == 0
    (got,) = q.receive()
    event = json.loads(got["Body"])
    assert event["id"] == out["Entries"][1]["EventId"]
    assert {k: event[k] for k in ("version", "source", "detail-type", "detail", "time", "resources")} == {
        "version": "0", "source": "shop", "detail-type": "Order", "detail": {"total": 10}, "time": "2026-01-02T03:04:05Z", "resources": ["arn:x"],
    }


def test_input_transformer(events, rule, name):
    """eb-transform-target-input.html: strings in quotes, objects and numbers as they are."""
    q = rule(
        {"source": ["shop"]},
        InputTransformer={"InputPathsMap": {"who": "$.detail.who", "all": "$.detail"}, "InputTemplate": '{"text":"<who> came","all":<all>,"rule":"<aws.events.rule-name>"}'},
    )
    events.put_events(Entries=[{"EventBusName": name, "Source": "shop", "DetailType": "d", "Detail": '{"who":"Ada","n":1}'}])
    (got,) = q.receive()
    assert json.loads(got["Body"]) == {"text": "Ada came", "all": {"who": "Ada", "n": 1}, "rule": "r"}


def test_entries_fail_in_part(events, bus, name):
    """API_PutEvents.html: an entry without what it must have fails alone."""
    out = events.put_events(
        Entries=[
            {"EventBusName": name, "Source": "shop", "DetailType": "d", "Detail": "{}"},
            {"EventBusName": name, "Source": "shop", "DetailType": "d", "Detail": "no JSON"},
        ]
    )
    assert out["FailedEntryCount"] == 1
    assert "EventId" in out["Entries"][0]
    assert out["Entries"][1]["ErrorCode"] == "MalformedDetail"


@pytest.mark.parametrize(
    "pattern,detail,want",
    [
        ({"a": [{"prefix": "ab"}]}, {"a": "abc"}, True),
        ({"a": [{"anything-but": {"suffix": ".png"}}]}, {"a": "x.png"}, False),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": [{"wildcard": "a*c"}]}, {"a": "abbc"}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.7"}, True),
        ({"a": [{"equals-ignore-case": "X"}]}, {"a": "x"}, True),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, True),
        ({"a": [1], "b": [2]}, {"a": 1}, False),
    ],
)
def test_patterns(events, pattern, detail, want):
    """eb-create-pattern-operators.html"""
    event = {"id": "1", "account": "123456789012", "source": "s", "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [], "detail-type": "d", "detail": detail}
    assert events.test_event_pattern(EventPattern=json.dumps({"detail": pattern}), Event=json.dumps(event))["Result"] is want


def test_errors_by_name(events, bus, name):
    """API_PutRule.html, API_DescribeRule.html"""
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name="r", EventBusName=name, EventPattern='{"source":"shop"}')
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name="none", EventBusName=name)
    with pytest.raises(events.exceptions.ResourceAlreadyExistsException):
        events.create_event_bus(Name=name)
