"""Tests examples/shop as a whole: HTTP, table, stream and mail."""

from datetime import timedelta


def create(nube, name, email):
    """Creates a user and returns it as the API answers it."""
    answer = nube.post("/users", {"name": name, "email": email})
    assert answer.status == 201, answer
    return answer.json()


def welcomes(nube):
    """Returns to whom a welcome was sent."""
    return [to for mail in nube.mail(subject="Welcome, ") for to in mail["to"]]


def test_create_user_returns_success(nube):
    user = create(nube, "Integration Test User", "it@example.com")

    assert user["name"] == "Integration Test User"
    assert user["id"]


def test_welcome(nube):
    create(nube, "Ada", "ada@example.com")
    nube.settle()  # table → stream → function → mail: done when this returns

    assert welcomes(nube) == ["ada@example.com"]


def test_welcome_after_a_crash(nube):
    """The function that sends the welcome is killed at its first attempt. The
    record of the stream comes again, and the mail is sent."""
    nube.clock.stop()
    crash = nube.fault("kill", function="dynamoDbProcessor", count=1)

    create(nube, "Ada", "ada@example.com")
    nube.clock.advance(timedelta(hours=1))  # through every retry; it takes milliseconds

    assert crash.hits == 1
    assert welcomes(nube) == ["ada@example.com"]
