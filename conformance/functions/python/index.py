"""Does what its event says, as ../faults does in Go."""

import logging
import os
import sys
import time

count = 0
hold = []


class Mistake(Exception):
    pass


if os.environ.get("INIT") == "exit":
    sys.exit(3)
if os.environ.get("INIT") == "throw":
    raise Mistake("no init")
if os.environ.get("INIT") == "sleep":
    time.sleep(60)


def handler(event, context):
    global count
    count += 1
    do, text, n = event.get("do"), event.get("text"), event.get("n")
    if do == "echo":
        return {"text": text}
    if do == "count":
        return {"count": count}
    if do == "print":
        print(text)
        return {}
    if do == "log":
        logging.getLogger().warning("%s", text)
        return {}
    if do == "fail":
        raise Mistake(text)
    if do == "exit":
        os._exit(n)
    if do == "sysexit":
        sys.exit(n)
    if do == "sleep":
        time.sleep(n / 1000)
        return {"text": "slept"}
    if do == "large":
        return {"text": "x" * n}
    if do == "memory":
        for i in range(n):
            hold.append(bytearray(os.urandom(1 << 10) * 1024))
        return {"count": len(hold)}
    if do == "circle":
        return {"set": {1}}
    if do == "context":
        return {
            "context": {
                "requestId": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "client": context.client_context.custom if context.client_context else None,
                "name": context.function_name,
                "version": context.function_version,
                "memory": int(context.memory_limit_in_mb),
                "remaining": context.get_remaining_time_in_millis(),
                "trace": os.environ.get("_X_AMZN_TRACE_ID"),
            }
        }
    if do == "env":
        return {"env": dict(os.environ)}
    raise ValueError(f"do not know how to do {do!r}")
