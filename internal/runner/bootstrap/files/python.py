"""The Python runtime of nube: it loads a handler as AWS Lambda's does, and
runs it against the Lambda Runtime API of this process.

Handlers: https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
Context:  https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
Logging:  https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
"""

import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

API = "/2018-06-01/runtime/"


class Client:
    """One connection to the Runtime API, one request after the other."""

    def __init__(self, address):
        host, port = address.split(":")
        self.sock = socket.create_connection((host, int(port)))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read = self.sock.makefile("rb", 65536)

    NEXT = f"GET {API}invocation/next HTTP/1.1\r\nHost: nube\r\n\r\n".encode()

    def next(self):
        self.sock.sendall(self.NEXT)
        return self.response()

    def answer_and_next(self, what, body, kind):
        """The request for the next invocation follows at once: the Runtime API
        answers in order."""
        self.sock.sendall(self.request(what, body, kind) + self.NEXT)
        self.response()
        return self.response()

    def post(self, what, body, kind):
        self.sock.sendall(self.request(what, body, kind))
        return self.response()

    @staticmethod
    def request(what, body, kind):
        head = f"POST {API}{what} HTTP/1.1\r\nHost: nube\r\nContent-Type: application/json\r\n"
        if kind:
            head += f"Lambda-Runtime-Function-Error-Type: {kind}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        return head.encode("latin-1", "replace") + body

    def response(self):
        if not self.read.readline():
            sys.exit(1)
        headers = {}
        while True:
            line = self.read.readline().strip()
            if not line:
                break
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode("utf-8")
        return headers, self.read.read(int(headers.get("content-length", 0)))


def emit(text):
    """Write one event of the log, which may have several lines: it is framed,
    and the platform takes the frame off."""
    data = text.encode("utf-8", "backslashreplace")[:262144]
    sys.stdout.flush()
    frame = b"\xa5\x5a\x00\x01" + len(data).to_bytes(4, "big") + data
    while frame:
        frame = frame[os.write(1, frame):]


class Invocation:
    """What is known of the invocation under way, for the log."""

    request_id = ""


class Handler(logging.Handler):
    def emit(self, record):
        try:
            emit(self.format(record))
        except Exception:
            self.handleError(record)


class WithRequest(logging.Filter):
    def filter(self, record):
        record.aws_request_id = Invocation.request_id
        return True


def set_up_logging():
    logging.Formatter.converter = time.gmtime
    handler = Handler()
    handler.setFormatter(
        logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"
        )
    )
    handler.addFilter(WithRequest())
    logging.getLogger().addHandler(handler)


class Fault(Exception):
    """An error that the runtime found."""

    def __init__(self, kind, message, stack=()):
        super().__init__(message)
        self.kind, self.message, self.stack = kind, message, list(stack)


class CognitoIdentity:
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client_:
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext:
    __slots__ = ("custom", "env", "client")


def client_context(text):
    if not text:
        return None
    data = json.loads(text)
    context = ClientContext()
    context.custom, context.env, context.client = data.get("custom"), data.get("env"), None
    if data.get("client"):
        context.client = Client_()
        for name in Client_.__slots__:
            setattr(context.client, name, data["client"].get(name))
    return context


def identity(text):
    result = CognitoIdentity()
    data = json.loads(text) if text else {}
    result.cognito_identity_id = data.get("cognitoIdentityId")
    result.cognito_identity_pool_id = data.get("cognitoIdentityPoolId")
    return result


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = client_context(headers.get("lambda-runtime-client-context"))
        self.identity = identity(headers.get("lambda-runtime-cognito-identity"))
        self._deadline = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return (
            f"LambdaContext([aws_request_id={self.aws_request_id},log_group_name={self.log_group_name},"
            f"log_stream_name={self.log_stream_name},function_name={self.function_name},"
            f"memory_limit_in_mb={self.memory_limit_in_mb},function_version={self.function_version},"
            f"invoked_function_arn={self.invoked_function_arn},client_context={self.client_context},"
            f"identity={self.identity}])"
        )


def load(name):
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as e:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {e}")
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {e}")
    except SyntaxError as e:
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {e}",
            [f'  File "{e.filename}" Line {e.lineno}\n    {e.text}'],
        )
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")


def to_wire(error, skip):
    """The document that the caller of the function gets, and its type."""
    if isinstance(error, Fault):
        kind, message, stack = error.kind, error.message, error.stack
    else:
        kind, message = type(error).__name__, str(error)
        stack = traceback.format_list(traceback.extract_tb(error.__traceback__)[skip:])
    return {"errorMessage": message, "errorType": kind, "requestId": Invocation.request_id, "stackTrace": stack}


def log_error(wire):
    text = f"[ERROR] {wire['errorType']}: {wire['errorMessage']}\n"
    if wire["stackTrace"]:
        text += "Traceback (most recent call last):\n" + "".join(wire["stackTrace"]).rstrip("\n") + "\n"
    emit(text)


def default(value):
    import decimal

    if isinstance(value, decimal.Decimal):
        # As Lambda's runtime does: numbers of DynamoDB come as Decimal.
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def run(handler, headers, body):
    try:
        event = json.loads(body) if body else None
    except ValueError as e:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {e}")
    result = handler(event, LambdaContext(headers))
    try:
        return json.dumps(result, default=default, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except Exception as e:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {e}")


def main():
    task = os.environ["LAMBDA_TASK_ROOT"]
    sys.path[0] = task  # instead of this file's directory
    os.chdir(task)
    set_up_logging()
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as e:
        # Frames of this file and of importlib say nothing about the function.
        wire = to_wire(e, 0)
        wire["stackTrace"] = [s for s in wire["stackTrace"] if __file__ not in s and "importlib" not in s]
        log_error(wire)
        client.post("init/error", json.dumps(wire).encode(), wire["errorType"])
        sys.exit(1)
    headers, body = client.next()
    while True:
        Invocation.request_id = headers["lambda-runtime-aws-request-id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        try:
            what, reply, kind = "response", run(handler, headers, body), None
        except Exception as e:
            wire = to_wire(e, 2)
            log_error(wire)
            what, reply, kind = "error", json.dumps(wire).encode(), wire["errorType"]
        sys.stdout.flush()
        sys.stderr.flush()
        headers, body = client.answer_and_next(f"invocation/{Invocation.request_id}/{what}", reply, kind)


if __name__ == "__main__":
    main()
