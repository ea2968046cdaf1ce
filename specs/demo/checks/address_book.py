"""What the site's sign-up asks of the address book: run against a recording, it needs neither the
vendor nor its token.

The address book is at GATE_TARGET; needs the standard library only.
"""

import json
import os
import urllib.error
import urllib.request

BOOK = os.environ["GATE_TARGET"].rstrip("/") + "/crm/v1"
TOKEN = os.environ.get("CRM_TOKEN", "any-token-does-for-a-recording")


def ask(path, contact=None):
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    data = json.dumps(contact).encode() if contact else None
    request = urllib.request.Request(BOOK + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


status, book = ask("/contacts")
assert status == 200 and book["total"] >= 1, f"the list answers {status}: {book}"
status, office = ask("/contacts/con_000001")
assert office["stage"] == "customer", f"the harbour office is a {office.get('stage')}"
ada = {"name": "Ada", "email": "ada@example.com", "company": "Test", "berths": "20"}
status, made = ask("/contacts", ada)
assert status == 201 and made["stage"] == "lead", f"a new contact answers {status}: {made}"
assert made["id"] != office["id"], "two contacts have one id"
status, error = ask("/contacts", {**ada, "email": "nobody"})
assert status == 422, f"an address that is none answers {status}: {error}"
print("the address book does what the sign-up needs")
