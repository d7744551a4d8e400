"""What the suites in Python run against, through boto3: the endpoint in
AWS_ENDPOINT_URL, be it nube, another program or AWS itself. conformance/run
starts a cloud where none is named.

Suites stand beside those in Go, as <service>/test_<service>.py. They look at
what another SDK may see otherwise: the types that answers become, exceptions by
their names, paginators, other protocols.
"""

import os
import secrets
import time

import boto3
import pytest

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "")
if not ENDPOINT:
    raise SystemExit("AWS_ENDPOINT_URL names what the suites run against; conformance/run starts it")
os.environ.setdefault("AWS_REGION", "us-east-1")
os.environ.setdefault("AWS_DEFAULT_REGION", os.environ["AWS_REGION"])
if ".amazonaws.com" not in ENDPOINT:
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")

PATIENCE = 300  # seconds for what AWS shows after a while, metrics some minutes


@pytest.fixture
def name():
    """A name that no other run has used."""
    return "conformance-" + secrets.token_hex(8)


@pytest.fixture
def client():
    return boto3.client


@pytest.fixture
def until():
    """Asks until the answer is true, and returns it."""

    def ask(question):
        end = time.monotonic() + PATIENCE
        while True:
            answer = question()
            if answer:
                return answer
            assert time.monotonic() < end, "it did not come to be"
            time.sleep(0.1)

    return ask


@pytest.fixture
def queue(client, request, until):
    """Makes queues, and deletes them. What it returns has the URL and the ARN of
    one, and receives: one message, or several, each deleted."""
    sqs = client("sqs")

    class Queue:
        def __init__(self, name, **attributes):
            self.url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
            request.addfinalizer(lambda: sqs.delete_queue(QueueUrl=self.url))
            self.arn = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

        def allow(self, service, source):
            """Lets a service send for a resource."""
            statement = (
                '{"Effect":"Allow","Principal":{"Service":"%s"},"Action":"sqs:SendMessage","Resource":"%s",'
                '"Condition":{"ArnLike":{"aws:SourceArn":"%s"}}}' % (service, self.arn, source)
            )
            policy = '{"Version":"2012-10-17","Statement":[%s]}' % statement
            sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

        def receive(self, count=1):
            got = []
            while len(got) < count:
                messages = until(
                    lambda: sqs.receive_message(
                        QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=5, MessageAttributeNames=["All"], AttributeNames=["All"]
                    ).get("Messages")
                )
                for m in messages:
                    sqs.delete_message(QueueUrl=self.url, ReceiptHandle=m["ReceiptHandle"])
                got += messages
            return got

    return Queue
