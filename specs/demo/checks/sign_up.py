"""Signs up on the site at GATE_URL and looks whether the conversion is counted.

Writes what it found as a JUnit file to the path that it is given; needs the standard library
only.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from xml.sax.saxutils import quoteattr

SITE = os.environ["GATE_URL"].rstrip("/")


def ask(path, data=None, headers=None):
    request = urllib.request.Request(SITE + path, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def the_form_is_there():
    status, page = ask("/signup")
    assert status == 200, f"/signup answers {status}"
    assert "<form" in page, "/signup shows no form"


def signing_up_works():
    form = urllib.parse.urlencode(
        {"name": "Ada", "email": "ada@example.com", "harbour": "Test"}
    ).encode()
    status, body = ask("/api/signup", form, {"accept": "application/json"})
    assert status == 201, f"POST /api/signup answers {status}: {body[:120]}"
    assert "contact" in json.loads(body), f"no contact was made: {body[:120]}"


def the_conversion_is_counted():
    beacon = json.dumps({"event": "signup", "user_id": "gate-check", "arm": "control"}).encode()
    status, body = ask("/collect", beacon, {"content-type": "application/json"})
    assert status in (200, 202, 204), f"POST /collect answers {status}: {body[:120]}"
    status, body = ask("/collect")
    assert "gate-check" in body, "the beacon was sent and is not listed"


def main(path):
    cases, failures = [], 0
    for test in (the_form_is_there, signing_up_works, the_conversion_is_counted):
        name = quoteattr(test.__name__.replace("_", " "))
        try:
            test()
            cases.append(f"<testcase classname='sign-up' name={name}/>")
        except (AssertionError, OSError, ValueError) as error:
            failures += 1
            print(f"{test.__name__}: {error}", file=sys.stderr)
            message = quoteattr(str(error))
            cases.append(
                f"<testcase classname='sign-up' name={name}><failure message={message}/></testcase>"
            )
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"<testsuite name='sign-up'>{''.join(cases)}</testsuite>\n")
    # The tests are read from the file; an exit code of their own would say it twice.
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
