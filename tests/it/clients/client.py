"""Asks a service for everything, with requests or with httpx; a line an answer."""
import base64
import os
import sys

library, base = sys.argv[1:]
if library == "requests":
    import requests

    client = requests.Session()
else:
    import httpx

    client = httpx.Client(follow_redirects=True)


def ask(method, path, **more):
    answer = client.request(method, base + path, **more)
    print(answer.status_code, base64.b64encode(answer.content).decode())


ask("GET", "/contacts", params={"limit": "2", "q": "Jürgen & Söhne"})
form = {"grant_type": "client_credentials", "client_secret": "s3cret-0f-kim"}
token = client.request("POST", base + "/token", data=form).json()["access_token"]
ask("GET", "/me", headers={"authorization": "Bearer " + token})
ask("GET", "/count")
ask("GET", "/count")
ask("GET", "/moved")
ask("GET", "/gone")
ask("GET", "/picture")
ask("POST", "/upload", data={"list": "friends"}, files={"file": ("a.csv", b"id,name\n1,Kim\n")})
ask("GET", "/events")
ask("PUT", "/contacts/7", json={"name": "Zoë", "tags": ["a", "b"]})
ask("DELETE", "/contacts/7")
ask("HEAD", "/contacts", params={"limit": "2"})
sys.exit(int(os.environ.get("ENDS_WITH", "0")))
