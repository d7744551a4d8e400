"""CloudWatch through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
"""

import datetime

import pytest

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def cloudwatch(client):
    return client("cloudwatch")


@pytest.fixture
def at():
    """A minute that is over: what is put into it is one point of a minute."""
    return datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - 2 * MINUTE


@pytest.fixture
def put_metric(cloudwatch, name, at):
    """PutMetricAsync of the guideline: a metric by environment and status."""

    def put(metric, value, unit, status):
        cloudwatch.put_metric_data(Namespace=name, MetricData=[{
            "MetricName": metric, "Value": value, "Unit": unit, "Timestamp": at,
            "Dimensions": [{"Name": "Environment", "Value": "Production"}, {"Name": "Status", "Value": status}],
        }])

    return put


@pytest.fixture
def data(cloudwatch, name, at):
    """The value of each query at the minute; a query is an expression, or a metric, a statistic and a status."""

    def ask(**queries):
        asked = []
        for id, q in queries.items():
            if isinstance(q, str):
                asked.append({"Id": id, "Expression": q})
                continue
            metric, stat, status = q
            asked.append({"Id": id, "MetricStat": {"Period": 60, "Stat": stat, "Metric": {
                "Namespace": name, "MetricName": metric,
                "Dimensions": [{"Name": "Status", "Value": status}, {"Name": "Environment", "Value": "Production"}]}}})
        out = cloudwatch.get_metric_data(MetricDataQueries=asked, StartTime=at - 5 * MINUTE, EndTime=at + MINUTE)
        assert all(r["StatusCode"] == "Complete" for r in out["MetricDataResults"])
        assert all(r["Timestamps"] in ([], [at]) for r in out["MetricDataResults"])
        return {r["Id"]: r["Values"][0] if r["Values"] else None for r in out["MetricDataResults"]}

    return ask


def test_guideline(cloudwatch, name, put_metric, data, until):
    """API_PutMetricData.html, API_GetMetricData.html, Statistics-definitions.html: a function that counts its requests
    and measures how long they take, with what went well and what did not told apart: the counter and the histogram."""
    for took in (12.5, 20.0, 27.5):
        put_metric("Requests", 1, "Count", "Success")
        put_metric("Duration", took, "Milliseconds", "Success")
    put_metric("Requests", 1, "Count", "Error")
    put_metric("Duration", 900, "Milliseconds", "Error")
    want = {"ok": 3, "bad": 1, "rate": 25, "mean": 20, "slowest": 27.5, "n": 3}
    until(lambda: want == data(
        ok=("Requests", "Sum", "Success"), bad=("Requests", "Sum", "Error"), rate="100 * bad / (ok + bad)",
        mean=("Duration", "Average", "Success"), slowest=("Duration", "Maximum", "Success"), n=("Duration", "SampleCount", "Success"),
    ))
    p = data(median=("Duration", "p50", "Success"), slow=("Duration", "p99", "Success"))
    assert p == {"median": pytest.approx(20, rel=0.02), "slow": pytest.approx(27.5, rel=0.02)}
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=name, Dimensions=[{"Name": "Status"}])
    listed = until(lambda: (ms := [m for p in pages for m in p["Metrics"]]) and len(ms) == 4 and ms)
    assert {(m["MetricName"], d["Value"]) for m in listed for d in m["Dimensions"] if d["Name"] == "Status"} == {
        ("Duration", "Error"), ("Duration", "Success"), ("Requests", "Error"), ("Requests", "Success"),
    }


def test_forms_of_data(cloudwatch, name, at, until):
    """API_MetricDatum.html: values with counts, and statistic sets, of whose distribution nothing is known."""
    cloudwatch.put_metric_data(Namespace=name, MetricData=[
        {"MetricName": "set", "Timestamp": at, "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}},
        {"MetricName": "values", "Timestamp": at, "Values": [1.0, 5.0], "Counts": [3.0, 1.0], "Unit": "Seconds"},
    ])

    def point(metric, **stats):
        found = cloudwatch.get_metric_statistics(Namespace=name, MetricName=metric, StartTime=at, EndTime=at + MINUTE, Period=60, **stats)["Datapoints"]
        return {k: v for k, v in found[0].items() if k != "Timestamp"} if found else None

    want = {"Average": 2.5, "Maximum": 4, "Minimum": 1, "SampleCount": 4, "Sum": 10, "Unit": "None"}
    until(lambda: point("set", Statistics=["Average", "Maximum", "Minimum", "SampleCount", "Sum"]) == want)
    until(lambda: point("values", Statistics=["Sum", "SampleCount"]) == {"Sum": 8, "SampleCount": 4, "Unit": "Seconds"})
    assert point("set", ExtendedStatistics=["p90"]) is None


def test_pages_of_data(cloudwatch, name, at, until):
    """API_GetMetricData.html: the newest first unless it is said otherwise, and no more than MaxDatapoints a page."""
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", "Value": i, "Timestamp": at - i * MINUTE} for i in range(4)])
    query = [{"Id": "m", "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {"Namespace": name, "MetricName": "m"}}}]
    window = {"StartTime": at - 10 * MINUTE, "EndTime": at + MINUTE}

    def pages(**more):
        ps = cloudwatch.get_paginator("get_metric_data").paginate(MetricDataQueries=query, **window, **more)
        return [[v for r in p["MetricDataResults"] for v in r["Values"]] for p in ps]

    until(lambda: sum(pages(), []) == [0, 1, 2, 3])
    assert pages(ScanBy="TimestampAscending", MaxDatapoints=3) == [[3, 2, 1], [0]]


@pytest.fixture
def alarm(cloudwatch, request, name):
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace=name, MetricName="Requests", Dimensions=[{"Name": "Status", "Value": "Error"}], Statistic="Sum", Period=60,
        EvaluationPeriods=3, DatapointsToAlarm=2, Threshold=5, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
        Tags=[{"Key": "k", "Value": "v"}])
    request.addfinalizer(lambda: cloudwatch.delete_alarms(AlarmNames=[name]))
    return name


def test_alarms(cloudwatch, name, alarm):
    """API_PutMetricAlarm.html, API_DescribeAlarmsForMetric.html"""
    (a,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    assert (a["EvaluationPeriods"], a["DatapointsToAlarm"], a["TreatMissingData"], a["ActionsEnabled"]) == (3, 2, "ignore", True)
    assert isinstance(a["StateUpdatedTimestamp"], datetime.datetime)
    assert cloudwatch.list_tags_for_resource(ResourceARN=a["AlarmArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
    of = cloudwatch.describe_alarms_for_metric(Namespace=name, MetricName="Requests", Dimensions=[{"Name": "Status", "Value": "Error"}])
    assert [x["AlarmName"] for x in of["MetricAlarms"]] == [alarm]
    cloudwatch.disable_alarm_actions(AlarmNames=[alarm])
    (a,) = [a for p in cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=alarm) for a in p["MetricAlarms"]]
    assert a["ActionsEnabled"] is False


def test_composite_alarms(cloudwatch, request, alarm, until):
    """API_PutCompositeAlarm.html, API_SetAlarmState.html, API_DescribeAlarmHistory.html"""
    either = alarm + "-either"
    cloudwatch.put_composite_alarm(AlarmName=either, AlarmRule=f'ALARM("{alarm}")')
    request.addfinalizer(lambda: cloudwatch.delete_alarms(AlarmNames=[either]))
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
    until(lambda: [a["StateValue"] for a in cloudwatch.describe_alarms(AlarmNames=[either], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]] == ["ALARM"])
    kinds = until(lambda: {h["HistoryItemType"] for h in cloudwatch.describe_alarm_history(AlarmName=alarm)["AlarmHistoryItems"]})
    assert kinds >= {"StateUpdate"}


def test_alarm_reaches_a_queue(cloudwatch, client, queue, request, alarm):
    """AlarmThatSendsEmail.html: a change of an alarm's state is a notification of its topic."""
    sns = client("sns")
    topic = sns.create_topic(Name=alarm)["TopicArn"]
    request.addfinalizer(lambda: sns.delete_topic(TopicArn=topic))
    q = queue(alarm)
    q.allow("sns.amazonaws.com", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=q.arn, Attributes={"RawMessageDelivery": "true"})
    cloudwatch.put_metric_alarm(
        AlarmName=alarm, Namespace=alarm, MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=5,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore", AlarmActions=[topic])
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
    (m,) = q.receive()
    assert f'"AlarmName":"{alarm}"' in m["Body"] and '"NewStateValue":"ALARM"' in m["Body"] and '"NewStateReason":"a test"' in m["Body"]


def test_errors(cloudwatch, name, alarm, at):
    """CommonErrors.html; API_PutMetricData.html, API_SetAlarmState.html: exceptions by their names, and the codes of the query protocol."""
    one = {"MetricName": "m", "Value": 1}
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException):
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[one])
    with pytest.raises(cloudwatch.exceptions.InvalidParameterCombinationException):
        cloudwatch.put_metric_data(Namespace=name, MetricData=[{**one, "Values": [1.0]}])
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound):
        cloudwatch.set_alarm_state(AlarmName=name + "-none", StateValue="OK", StateReason="x")
    with pytest.raises(cloudwatch.exceptions.ClientError) as e:
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "a", "Expression": "nobody + 1"}], StartTime=at, EndTime=at + MINUTE)
    assert e.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(cloudwatch.exceptions.ClientError) as e:
        cloudwatch.put_composite_alarm(AlarmName=name + "-either", AlarmRule="ALARM(")
    assert e.value.response["Error"]["Code"] == "ValidationError"


def test_metrics_of_services(cloudwatch, client, queue, request, name, until):
    """sns-monitoring-using-cloudwatch.html, eb-monitoring.html, sqs-available-cloudwatch-metrics.html: what services measure of themselves."""
    sns, events, sqs = client("sns"), client("events"), client("sqs")
    q = queue(name)
    topic = sns.create_topic(Name=name)["TopicArn"]
    request.addfinalizer(lambda: sns.delete_topic(TopicArn=topic))
    q.allow("sns.amazonaws.com", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=q.arn, Attributes={"FilterPolicy": '{"kind":["a"]}'})
    for kind in ("a", "b"):
        sns.publish(TopicArn=topic, Message="m", MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}})
    q.receive()
    events.put_rule(Name=name, EventPattern='{"source":["%s"]}' % name)
    request.addfinalizer(lambda: (events.remove_targets(Rule=name, Ids=["q"]), events.delete_rule(Name=name)))
    rule = events.describe_rule(Name=name)["Arn"]
    q.allow("events.amazonaws.com", rule)
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": q.arn}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])
    q.receive()

    def total(namespace, metric, dimension):
        now = datetime.datetime.now(datetime.timezone.utc)
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace, MetricName=metric, Dimensions=[{"Name": dimension, "Value": name}], StartTime=now - 10 * MINUTE, EndTime=now + MINUTE,
            Period=60, Statistics=["Sum"], Unit="Count")["Datapoints"]
        return sum(p["Sum"] for p in points)

    for metric, want in {
        ("AWS/SNS", "NumberOfMessagesPublished", "TopicName"): 2,
        ("AWS/SNS", "NumberOfNotificationsDelivered", "TopicName"): 1,
        ("AWS/SNS", "NumberOfNotificationsFilteredOut", "TopicName"): 1,
        ("AWS/Events", "TriggeredRules", "RuleName"): 1,
        ("AWS/Events", "Invocations", "RuleName"): 1,
        ("AWS/SQS", "NumberOfMessagesSent", "QueueName"): 2,
        ("AWS/SQS", "NumberOfMessagesDeleted", "QueueName"): 2,
    }.items():
        assert until(lambda: total(*metric) >= want and total(*metric)) == want, metric
