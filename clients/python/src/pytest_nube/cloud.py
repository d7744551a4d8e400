"""The cloud, as the nube program runs it."""

import atexit
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

from . import sign

# How many seconds a cloud is given to end what is under way.
_PATIENCE = 10


class NubeError(Exception):
    """What was asked for did not come about."""


class FunctionError(NubeError):
    """A function has failed; payload is its error, as a dict."""

    def __init__(self, function, payload):
        self.payload = payload
        super().__init__("%s failed: %s" % (function, json.dumps(payload)))


class Response:
    """An answer of the application, whatever its status."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "<%d %r>" % (self.status, self.body[:200])


class Cloud:
    """A running cloud."""

    @classmethod
    def start(cls, directory=None, program=None, stage=None, params=None, env=None, args=()):
        """Starts a cloud, with the application in a directory if one is given.

        program is the nube program: else the environment's NUBE, else nube of the
        PATH. params are the manifest's, args further words for ``nube up``.
        """
        program = program or os.environ.get("NUBE") or shutil.which("nube")
        if not program:
            raise NubeError("there is no nube in the PATH; NUBE says where it is")
        words = [program, "up", str(directory), "--watch=false"] if directory else [program, "start"]
        words += ["--data", "memory", "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--otlp", "off"]
        words += ["--code", _code_cache(), "--output", "json"]
        if stage:
            words += ["--stage", stage]
        for name, value in (params or {}).items():
            words += ["--param", "%s=%s" % (name, value)]
        said = tempfile.TemporaryFile()
        process = subprocess.Popen(
            words + list(args), stdout=subprocess.PIPE, stderr=said, env=dict(os.environ, **(env or {}))
        )
        try:
            rest = b""
            for line in process.stdout:
                if line.startswith(b'{"ready":true'):
                    return cls(process, said, json.loads(line))
                rest += line
            process.wait()
            said.seek(0)
            why = said.read().decode() + _problems(rest)
        except BaseException:  # the test run is interrupted, say: the program must not outlive it
            process.kill()
            process.wait()
            raise
        process.stdout.close()
        said.close()
        raise NubeError("nube could not start the application:\n" + why)

    def __init__(self, process, said, report):
        self._process, self._said = process, said
        self.endpoint = report["endpoint"]
        self.gateway = report["gateway"]
        self._key, self._secret = report["accessKeyId"], report["secretAccessKey"]
        self.region = (report.get("deployment") or {}).get("region") or "us-east-1"
        self.clock = Clock(self)
        # It ends with this process, whoever forgets to stop it.
        atexit.register(process.kill)
        # What it goes on to say is for nobody, and must not fill the pipe.
        self._drain = threading.Thread(target=process.stdout.read, daemon=True)
        self._drain.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        """Ends the cloud."""
        atexit.unregister(self._process.kill)
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._drain.join()
        self._process.stdout.close()
        self._said.close()

    @property
    def env(self):
        """What AWS's SDKs and tools read to find the cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self._key,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    # The application.

    def request(self, method, path, body=None, headers=None):
        """Sends a request to the application. A body that is not bytes or str is
        sent as JSON."""
        headers, kind = dict(headers or {}), "application/octet-stream"
        if isinstance(body, str):
            body, kind = body.encode(), "text/plain; charset=utf-8"
        elif body is not None and not isinstance(body, bytes):
            body, kind = json.dumps(body).encode(), "application/json"
        if body is not None and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = kind
        return _send(method, self.gateway + path, body, headers)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def invoke(self, function, event=None):
        """Calls a function, named as in the manifest or in full, and returns its
        answer. Raises FunctionError when it fails."""
        name = self._function(function)
        url = "%s/2015-03-31/functions/%s/invocations" % (self.endpoint, urllib.parse.quote(name))
        answer = self._signed("lambda", "POST", url, json.dumps(event).encode())
        payload = json.loads(answer.body) if answer.body else None
        if answer.headers.get("X-Amz-Function-Error"):
            raise FunctionError(function, payload)
        return payload

    def logs(self, function):
        """Returns the lines of a function's log, the oldest first."""
        group = "/aws/lambda/" + self._function(function)
        return [line["message"].rstrip("\n") for line in self._lines("logs", group=group, region=self.region)]

    # The platform.

    def settle(self, timeout=30.0):
        """Waits until nothing is under way: everything that follows from what was
        done has been done. What is due later is not waited for."""
        report = self._api("POST", "settle", {"timeout": int(timeout * 1e9)})
        if not report["settled"] or report["stuck"]:
            raise NubeError("the cloud has not settled: " + json.dumps(report, indent=2))
        return report

    def mail(self, **query):
        """Returns the mail that was sent, the oldest first, as dicts with subject,
        from, to, text, html and more; to, from_ and subject are parts of what it has."""
        if "from_" in query:
            query["from"] = query.pop("from_")
        found = self._api("GET", "mail", region=self.region, **query)
        return [self._api("GET", "mail/" + m["id"], region=self.region) for m in found]

    def fault(self, kind, **what):
        """Makes something go wrong, until the Fault that is returned is removed or
        its with block ends. what is as of ``nube fault add``: service, operation,
        function, probability, count, seed, code, status, message, after; wait and
        jitter are in seconds."""
        for name in ("wait", "jitter"):
            if name in what:
                what[name] = int(what[name] * 1e9)
        return Fault(self, self._api("POST", "faults", dict(what, kind=kind))["id"])

    def clear_faults(self):
        """Lets everything go well again."""
        self._api("DELETE", "faults")

    def snapshot(self, name):
        """Keeps the state of the whole cloud under a name."""
        self._api("POST", "snapshots", {"name": name, "replace": True})

    def restore(self, name):
        """Makes the cloud what it was at a snapshot."""
        self._api("POST", "snapshots/load", {"name": name})

    def status(self):
        """Returns what runs: stacks, functions, routes."""
        return self._api("GET", "status")

    def _function(self, name):
        found = [f["name"] for f in self.status()["functions"]]
        if name in found:
            return name
        named = [f for f in found if f.endswith("-" + name)]
        if len(named) != 1:
            raise NubeError("there is no one function %s; there are %s" % (name, ", ".join(found)))
        return named[0]

    def _api(self, method, path, body=None, **query):
        answer = self._call(method, path, body, query)
        return json.loads(answer.body)

    def _lines(self, path, **query):
        return [json.loads(line) for line in self._call("GET", path, None, query).body.splitlines()]

    def _call(self, method, path, body, query):
        url = "%s/_nube/api/%s" % (self.endpoint, path)
        if query:
            url += "?" + urllib.parse.urlencode(query)
        return self._signed("nube", method, url, b"" if body is None else json.dumps(body).encode())

    def _signed(self, service, method, url, body):
        headers = sign.headers(method, url, body, service, self.region, self._key, self._secret)
        headers["Content-Type"] = "application/json"
        answer = _send(method, url, body, headers)
        if answer.status >= 300:
            try:
                said = json.loads(answer.body)
                message = said.get("message") or said.get("Message") or answer.text
            except ValueError:
                message = answer.text
            raise NubeError(message)
        return answer


class Clock:
    """The time of a cloud: of time-to-live, schedules, retries, delays and
    timestamps."""

    def __init__(self, cloud):
        self._cloud = cloud

    @property
    def now(self):
        return _time(self._cloud._api("GET", "clock")["now"])

    def stop(self):
        """Makes it stand still."""
        self._do("stop")

    def run(self):
        """Lets it run on."""
        self._do("run")

    def advance(self, by, timeout=30.0):
        """Moves it by seconds or a timedelta, from one due to the next, and lets the
        cloud settle at each."""
        if isinstance(by, datetime.timedelta):
            by = by.total_seconds()
        report = self._do("advance", by=int(by * 1e9), timeout=int(timeout * 1e9))
        if not report["reached"]:
            raise NubeError("the clock came to %s: %s" % (report["now"], json.dumps(report["settled"], indent=2)))

    def set(self, to):
        """Moves it at once to an aware datetime: what was due once is late, and
        schedules skip what they missed."""
        self._do("set", to=to.isoformat())

    def _do(self, what, **more):
        return self._cloud._api("POST", "clock", dict(more, do=what))


class Fault:
    """Something that goes wrong."""

    def __init__(self, cloud, id):
        self._cloud, self.id = cloud, id

    @property
    def hits(self):
        """How often it has struck."""
        return next((f["hits"] for f in self._cloud._api("GET", "faults") if f["id"] == self.id), 0)

    def remove(self):
        """Lets it go well again. A fault that was removed may be removed again."""
        try:
            self._cloud._api("DELETE", "faults", id=self.id)
        except NubeError:
            if any(f["id"] == self.id for f in self._cloud._api("GET", "faults")):
                raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


def _send(method, url, body, headers):
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return Response(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        with answer:
            return Response(answer.code, answer.headers, answer.read())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def _time(text):
    # Python before 3.11 reads neither Z nor nanoseconds.
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return at + datetime.timedelta(microseconds=int((fraction + "000000")[:6]))


def _code_cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(pathlib.Path.home(), ".cache")
    return os.path.join(base, "nube", "test")


def _problems(said):
    try:
        told = json.loads(said)
    except ValueError:
        return said.decode()
    return "\n".join([told.get("error", "")] + told.get("problems", []))
