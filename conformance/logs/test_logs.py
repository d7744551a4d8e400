"""CloudWatch Logs through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
"""

import time

import pytest


@pytest.fixture
def logs(client):
    return client("logs")


@pytest.fixture
def group(logs, request, name):
    logs.create_log_group(logGroupName=name)
    request.addfinalizer(lambda: logs.delete_log_group(logGroupName=name))
    return name


@pytest.fixture
def put(logs, group):
    """Puts texts into a stream of the group, a millisecond apart, and returns the first one's time."""

    def texts(stream, *lines):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        at = int(time.time() * 1000) - 1000
        out = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": at + i, "message": m} for i, m in enumerate(lines)])
        assert "rejectedLogEventsInfo" not in out
        return at

    return texts


def test_events(logs, group, put, until):
    """API_GetLogEvents.html: forward from the head; at the end the same token comes again."""
    at = put("s", "one", "two", "three")
    first = until(lambda: (p := logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True, limit=2))["events"] and p)
    assert [(e["timestamp"], e["message"]) for e in first["events"]] == [(at, "one"), (at + 1, "two")]
    rest = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=first["nextForwardToken"])
    assert [e["message"] for e in rest["events"]] == ["three"]
    end = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=rest["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], rest["nextForwardToken"])


def test_filter(logs, group, put, until):
    """FilterAndPatternSyntax.html: words, and fields of JSON, over all streams."""
    put("a", "ERROR one", "fine", '{"level":"error","ms":12}')
    put("b", '{"level":"error","ms":3}', "ERROR two")

    def found(pattern):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern, PaginationConfig={"PageSize": 1})
        return sorted(e["message"] for p in pages for e in p["events"])

    until(lambda: len(found("")) == 5)
    assert found("ERROR") == ["ERROR one", "ERROR two"]
    assert found('{ $.level = "error" && $.ms > 10 }') == ['{"level":"error","ms":12}']
    assert found("?two ?fine") == ["ERROR two", "fine"]
    assert found("ERROR -two") == ["ERROR one"]


def test_insights(logs, group, put, until):
    """CWL_QuerySyntax.html: stats by a field that was found in JSON."""
    at = put("s", *('{"who":"%s","ms":%d}' % x for x in (("a", 1), ("b", 5), ("a", 3))))
    query = "stats count(*) as n, max(ms) as most by who | sort who asc"

    def results():
        q = logs.start_query(logGroupName=group, startTime=at // 1000 - 60, endTime=at // 1000 + 60, queryString=query)["queryId"]
        done = until(lambda: (r := logs.get_query_results(queryId=q))["status"] not in ("Scheduled", "Running") and r)
        assert done["status"] == "Complete"
        rows = [{f["field"]: f["value"] for f in r} for r in done["results"]]
        return len(rows) == 2 and rows

    assert until(results) == [{"who": "a", "n": "2", "most": "3"}, {"who": "b", "n": "1", "most": "5"}]


def test_group(logs, group):
    """API_PutRetentionPolicy.html, API_DescribeLogGroups.html"""
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    (got,) = [g for p in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group) for g in p["logGroups"]]
    assert (got["logGroupName"], got["retentionInDays"], got["metricFilterCount"]) == (group, 7, 0)
    assert got["arn"].endswith(f":log-group:{group}:*")


def test_errors_by_name(logs, group):
    """API_CreateLogGroup.html, API_PutRetentionPolicy.html"""
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName=group, logStreamName="none")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName=group, retentionInDays=4)


def test_record_and_fields(logs, group, put, until):
    """API_GetLogRecord.html, API_GetLogGroupFields.html"""
    at = put("s", '{"level":"INFO"}', '{"level":"ERROR","ms":7}')

    def pointers():
        q = logs.start_query(logGroupName=group, startTime=at // 1000 - 60, endTime=at // 1000 + 60, queryString='filter level = "ERROR"')["queryId"]
        done = until(lambda: (r := logs.get_query_results(queryId=q))["status"] == "Complete" and r)
        return [f["value"] for r in done["results"] for f in r if f["field"] == "@ptr"]

    (ptr,) = until(pointers)
    record = logs.get_log_record(logRecordPointer=ptr)["logRecord"]
    assert (record["@message"], record["level"], record["ms"], record["@logStream"]) == ('{"level":"ERROR","ms":7}', "ERROR", "7", "s")
    fields = until(lambda: logs.get_log_group_fields(logGroupName=group)["logGroupFields"])
    assert {f["name"]: f["percent"] for f in fields if f["name"] in ("@message", "level", "ms")} == {"@message": 100, "level": 100, "ms": 50}
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.get_log_record(logRecordPointer="nonsense")
