"""Amazon SQS through boto3. Each case cites the page that says so.

The pages are below
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/
"""

import hashlib
import json
from datetime import datetime

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def sqs(client):
    return client("sqs")


def test_message(sqs, queue, name):
    """API_SendMessage.html, API_ReceiveMessage.html: attributes of all types come back as they were sent."""
    q = queue(name)
    attributes = {
        "text": {"DataType": "String", "StringValue": "päron"},
        "number": {"DataType": "Number.float", "StringValue": "1.50"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message(QueueUrl=q.url, MessageBody="a body", MessageAttributes=attributes)
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"a body").hexdigest()
    (got,) = q.receive()
    assert got["MessageId"] == sent["MessageId"]
    assert got["Body"] == "a body"
    assert got["MessageAttributes"] == attributes
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    assert datetime.fromtimestamp(int(got["Attributes"]["SentTimestamp"]) / 1000).year >= 2024


def test_batch_fails_in_part(sqs, queue, name):
    """API_SendMessageBatch.html: some entries may fail, and the answer is 200."""
    q = queue(name)
    out = sqs.send_message_batch(
        QueueUrl=q.url, Entries=[{"Id": "good", "MessageBody": "x"}, {"Id": "late", "MessageBody": "y", "DelaySeconds": 901}]
    )
    assert [e["Id"] for e in out["Successful"]] == ["good"]
    (failed,) = out["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("late", True, "InvalidParameterValue")
    assert [m["Body"] for m in q.receive()] == ["x"]


def test_errors_by_name(sqs, queue, name):
    """API_SendMessageBatch.html, API_GetQueueUrl.html: exceptions have the names of the model, and codes as before JSON."""
    q = queue(name)
    with pytest.raises(sqs.exceptions.BatchEntryIdsNotDistinct):
        sqs.send_message_batch(QueueUrl=q.url, Entries=[{"Id": "a", "MessageBody": "x"}] * 2)
    with pytest.raises(sqs.exceptions.EmptyBatchRequest):
        sqs.send_message_batch(QueueUrl=q.url, Entries=[])
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as e:
        sqs.get_queue_url(QueueName=name + "-none")
    assert e.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(ClientError) as e:
        sqs.delete_message(QueueUrl=q.url, ReceiptHandle="none")
    assert e.value.response["Error"]["Code"] == "ReceiptHandleIsInvalid"


def test_fifo(sqs, queue, name):
    """FIFO-queues-understanding-logic.html, FIFO-queues-exactly-once-processing.html: order in a group, and no message twice."""
    q = queue(name + ".fifo", FifoQueue="true")
    for i, group in enumerate("abab"):
        for _ in range(2):
            sqs.send_message(QueueUrl=q.url, MessageBody=str(i), MessageGroupId=group, MessageDeduplicationId=f"d{i}")
    bodies = {"a": [], "b": []}
    for m in q.receive(4):
        bodies[m["Attributes"]["MessageGroupId"]].append(m["Body"])
    assert bodies == {"a": ["0", "2"], "b": ["1", "3"]}


def test_visible_again(sqs, queue, name):
    """API_ChangeMessageVisibility.html: at once, with nought."""
    q = queue(name)
    sqs.send_message(QueueUrl=q.url, MessageBody="x")
    first = sqs.receive_message(QueueUrl=q.url, WaitTimeSeconds=20)["Messages"][0]
    assert "Messages" not in sqs.receive_message(QueueUrl=q.url)
    sqs.change_message_visibility(QueueUrl=q.url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    (again,) = q.receive()
    assert again["MessageId"] == first["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


def test_dead_letter(sqs, queue, name):
    """sqs-dead-letter-queues.html: received too often, it goes where the redrive policy says."""
    dead = queue(name + "-dead")
    q = queue(name, VisibilityTimeout="0", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1}))
    sent = sqs.send_message(QueueUrl=q.url, MessageBody="poison")
    assert sqs.receive_message(QueueUrl=q.url, WaitTimeSeconds=20)["Messages"][0]["Body"] == "poison"
    assert "Messages" not in sqs.receive_message(QueueUrl=q.url, WaitTimeSeconds=1)
    (got,) = dead.receive()
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "poison")
    assert got["Attributes"]["DeadLetterQueueSourceArn"] == q.arn
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(QueueUrl=dead.url)
    assert [u for p in pages for u in p["queueUrls"]] == [q.url]


def test_pages(sqs, queue, name):
    """API_ListQueues.html: MaxResults and NextToken."""
    made = {queue(f"{name}-{i}").url for i in range(5)}
    pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name, PaginationConfig={"PageSize": 2}))
    assert [len(p["QueueUrls"]) for p in pages] == [2, 2, 1]
    assert {u for p in pages for u in p["QueueUrls"]} == made
