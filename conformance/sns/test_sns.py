"""Amazon SNS through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/sns/latest/api/
"""

import json

import pytest


@pytest.fixture
def sns(client):
    return client("sns")


@pytest.fixture
def topic(sns, request):
    def make(name, **attributes):
        arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        request.addfinalizer(lambda: sns.delete_topic(TopicArn=arn))
        return arn

    return make


def test_fan_out(sns, topic, queue, name):
    """sns-subscription-filter-policies.html, sns-large-payload-raw-message-delivery.html: each queue gets what its filter lets
    through, one as it was published, one in an envelope."""
    arn = topic(name)
    raw, wrapped = queue(name + "-raw"), queue(name + "-wrapped")
    for q, attributes in (
        (raw, {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"kind": ["a"]})}),
        (wrapped, {"FilterPolicyScope": "MessageBody", "FilterPolicy": json.dumps({"price": [{"numeric": [">", 10]}]})}),
    ):
        q.allow("sns.amazonaws.com", arn)
        sub = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=q.arn, Attributes=attributes, ReturnSubscriptionArn=True)["SubscriptionArn"]
        assert sns.get_subscription_attributes(SubscriptionArn=sub)["Attributes"]["PendingConfirmation"] == "false"
    for kind, price in (("b", 5), ("a", 5), ("b", 20)):
        sns.publish(TopicArn=arn, Message=json.dumps({"price": price}), MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}})
    (got,) = raw.receive()
    assert json.loads(got["Body"]) == {"price": 5}
    assert got["MessageAttributes"] == {"kind": {"DataType": "String", "StringValue": "a"}}
    (got,) = wrapped.receive()
    envelope = json.loads(got["Body"])
    assert (envelope["Type"], envelope["TopicArn"], json.loads(envelope["Message"])) == ("Notification", arn, {"price": 20})
    assert envelope["MessageAttributes"] == {"kind": {"Type": "String", "Value": "b"}}


def test_batch(sns, topic, queue, name):
    """API_PublishBatch.html: what became of each entry, by its id; ids are distinct."""
    arn = topic(name)
    q = queue(name)
    q.allow("sns.amazonaws.com", arn)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=q.arn, Attributes={"RawMessageDelivery": "true"})
    out = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[{"Id": i, "Message": "text " + i} for i in "ab"])
    assert [e["Id"] for e in out["Successful"]] == ["a", "b"]
    assert len({e["MessageId"] for e in out["Successful"]}) == 2
    assert sorted(m["Body"] for m in q.receive(2)) == ["text a", "text b"]
    with pytest.raises(sns.exceptions.BatchEntryIdsNotDistinctException):
        sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[{"Id": "a", "Message": "x"}] * 2)


def test_errors_by_name(sns, topic, name):
    """API_GetTopicAttributes.html, API_Publish.html"""
    arn = topic(name)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_topic_attributes(TopicArn=arn + "-none")
    with pytest.raises(sns.exceptions.InvalidParameterException):
        sns.publish(TopicArn=arn, Message="")
    with pytest.raises(sns.exceptions.InvalidParameterException):
        sns.subscribe(TopicArn=arn, Protocol="pigeon", Endpoint="home")


def test_fifo(sns, topic, queue, name):
    """fifo-topic-message-ordering.html, fifo-message-dedup.html"""
    arn = topic(name + ".fifo", FifoTopic="true", ContentBasedDeduplication="true")
    q = queue(name + ".fifo", FifoQueue="true")
    q.allow("sns.amazonaws.com", arn)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=q.arn, Attributes={"RawMessageDelivery": "true"})
    for body in ("one", "one", "two", "three"):
        assert sns.publish(TopicArn=arn, Message=body, MessageGroupId="g")["SequenceNumber"]
    assert [m["Body"] for m in q.receive(3)] == ["one", "two", "three"]


def test_pages(sns, topic, queue, name):
    """API_ListSubscriptionsByTopic.html, API_ListTagsForResource.html"""
    arn = topic(name)
    qs = [queue(f"{name}-{i}") for i in range(3)]
    for q in qs:
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=q.arn)
    subs = [s for p in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn) for s in p["Subscriptions"]]
    assert {s["Endpoint"] for s in subs} == {q.arn for q in qs}
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
