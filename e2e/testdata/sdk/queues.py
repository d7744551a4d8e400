"""Uses queues through boto3, and through the query protocol of older clients.

It fails loudly where an answer is not what Amazon SQS's would be. It runs against
any endpoint that AWS_ENDPOINT_URL names, real AWS too.
"""

import hashlib
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as xml

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")
endpoint = os.environ["AWS_ENDPOINT_URL"]
unique = "sdk-" + uuid.uuid4().hex
ns = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e
    raise AssertionError(f"{code} was expected")


def query(path, action, **params):
    """Calls an operation as clients did before SQS spoke JSON."""
    body = urllib.parse.urlencode({"Action": action, "Version": "2012-11-05", **params})
    signed = AWSRequest("POST", endpoint + path, data=body, headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    session = boto3.session.Session()
    SigV4Auth(session.get_credentials(), "sqs", session.region_name).add_auth(signed)
    try:
        with urllib.request.urlopen(urllib.request.Request(endpoint + path, data=body.encode(), headers=dict(signed.headers))) as r:
            return r.status, xml.fromstring(r.read())
    except urllib.error.HTTPError as e:
        return e.code, xml.fromstring(e.read())


def standard():
    url = sqs.create_queue(QueueName=unique, Attributes={"VisibilityTimeout": "2"}, tags={"k": "v"})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"k": "v"}
    # boto3 checks the digests itself.
    sent = sqs.send_message(QueueUrl=url, MessageBody="héllo", MessageAttributes={
        "text": {"DataType": "String", "StringValue": "v"}, "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}})
    assert sent["MD5OfMessageBody"] == hashlib.md5("héllo".encode()).hexdigest()
    (m,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
    assert m["MessageId"] == sent["MessageId"] and m["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\xff", m
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "1", counts
    began = time.monotonic()
    (m,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert time.monotonic() - began < 5
    sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    refused("ReceiptHandleIsInvalid", sqs.delete_message, QueueUrl=url, ReceiptHandle="nonsense")
    refused("AWS.SimpleQueueService.EmptyBatchRequest", sqs.send_message_batch, QueueUrl=url, Entries=[])
    refused("InvalidParameterValue", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
    e = refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName=unique + "-none")
    assert isinstance(e, sqs.exceptions.QueueDoesNotExist), type(e)
    return url


def older(url):
    path = urllib.parse.urlparse(url).path
    status, sent = query(path, "SendMessage", MessageBody="<older>", **{
        "MessageAttribute.1.Name": "a", "MessageAttribute.1.Value.DataType": "String", "MessageAttribute.1.Value.StringValue": "x"})
    assert status == 200
    assert sent.findtext(f"{ns}SendMessageResult/{ns}MD5OfMessageBody") == hashlib.md5(b"<older>").hexdigest()
    status, got = query(path, "ReceiveMessage", **{"AttributeName.1": "SentTimestamp", "MessageAttributeName.1": "a", "WaitTimeSeconds": "5"})
    message = got.find(f"{ns}ReceiveMessageResult/{ns}Message")
    assert message.findtext(f"{ns}Body") == "<older>"
    assert message.findtext(f"{ns}Attribute/{ns}Name") == "SentTimestamp"
    assert message.findtext(f"{ns}MessageAttribute/{ns}Value/{ns}StringValue") == "x"
    status, _ = query(path, "DeleteMessageBatch", **{
        "DeleteMessageBatchRequestEntry.1.Id": "1", "DeleteMessageBatchRequestEntry.1.ReceiptHandle": message.findtext(f"{ns}ReceiptHandle")})
    assert status == 200
    status, none = query("/", "GetQueueUrl", QueueName=unique + "-none")
    assert (status, none.findtext(f"{ns}Error/{ns}Code")) == (400, "AWS.SimpleQueueService.NonExistentQueue")
    status, made = query("/", "CreateQueue", QueueName=unique + "-older", **{
        "Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "7", "Tag.1.Key": "k", "Tag.1.Value": "v"})
    other = made.findtext(f"{ns}CreateQueueResult/{ns}QueueUrl")
    assert sqs.get_queue_attributes(QueueUrl=other, AttributeNames=["DelaySeconds"])["Attributes"] == {"DelaySeconds": "7"}
    assert query(urllib.parse.urlparse(other).path, "DeleteQueue")[0] == 200


def fifo():
    url = sqs.create_queue(QueueName=unique + ".fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    for i in range(4):
        sqs.send_message(QueueUrl=url, MessageBody=f"m{i}", MessageGroupId=f"g{i % 2}")
    sqs.send_message(QueueUrl=url, MessageBody="m0", MessageGroupId="g0")
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"])["Messages"]
    for group in ("g0", "g1"):
        bodies = [m["Body"] for m in got if m["Attributes"]["MessageGroupId"] == group]
        assert bodies == sorted(bodies) and len(set(bodies)) == len(bodies), bodies
    done = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)])
    assert len(done["Successful"]) == len(got) and not done.get("Failed")
    sqs.delete_queue(QueueUrl=url)


url = standard()
older(url)
fifo()
sqs.delete_queue(QueueUrl=url)
