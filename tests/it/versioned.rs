//! Recordings under version control: what does not change is not shown, and what two people have
//! recorded comes together.

use std::process::Command;

use crate::environment::Environment;
use crate::python::Service;

/// A service with all that differs every time: times, identifiers, tokens, cookies. It answers
/// otherwise when the file `changed` is there.
const SERVICE: &str = r#"
import datetime, gzip, http.server, json, os, secrets, time, uuid
token = ""
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        path = self.path.split("?")[0]
        if path == "/v1/contacts":
            fields = {"updated_at": now, "etag": secrets.token_hex(16)}
            rows = [{"id": n, "name": "Contact %d" % n, **fields} for n in range(200)]
            self.answer(200, {"results": rows, "total": 200, "took_until": time.time_ns() // 10**6})
        elif path.startswith("/v1/contacts/"):
            plan = "basic" if os.path.exists("changed") else "pro"
            self.answer(200, {"id": path.split("/")[-1], "plan": plan, "seen": now})
        elif self.headers["authorization"] in ("Bearer k3y-of-kim-0123456789", "Bearer " + token):
            self.answer(200, {"name": "Kim", "path": path, "request": str(uuid.uuid4())})
        else:
            self.answer(401, {})
    def do_POST(self):
        global token
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/token":
            token = secrets.token_urlsafe(30)
            self.answer(200, {"access_token": token, "expires_in": 3600, "issued": int(time.time())})
        else:
            made = str(uuid.uuid4())
            created = {"id": made, "created_at": int(time.time() * 1000), "tags": []}
            self.answer(201, created, [("location", "/v1/contacts/" + made)])
    def answer(self, status, body, headers=()):
        text = gzip.compress(json.dumps(body, separators=(",", ":")).encode())
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(text)))
        self.send_header("x-request-id", str(uuid.uuid4()))
        self.send_header("set-cookie", "session=%s; Path=/; HttpOnly" % secrets.token_hex(16))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// Asks for the paths that it is given, with its key. Without one it asks for a token first, makes
/// a contact and asks for it.
const CLIENT: &str = r#"
import gzip, json, os, sys, urllib.request
def ask(path, body=None, headers={}):
    base = os.environ["GATE_TARGET"]
    request = urllib.request.Request(base + path, data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
        # What a secret was taken out of is answered as it is.
        is_coded = answer.headers["content-encoding"] == "gzip"
        return answer.headers, json.loads(gzip.decompress(text) if is_coded else text)
bearer = os.environ["KEY"]
if not bearer:
    _, given = ask("/v1/token", b"grant_type=client_credentials&client_secret=s3cret-of-kim")
    bearer = given["access_token"]
    headers, made = ask("/v1/contacts", b'{"name":"Kim"}', {"content-type": "application/json"})
    assert headers["location"] == "/v1/contacts/" + made["id"], (headers["location"], made)
    print(ask(headers["location"])[1]["plan"])
for path in sys.argv[1:]:
    print(path, len(ask(path, headers={"authorization": "Bearer " + bearer})[1]))
"#;

struct Repository {
    environment: Environment,
    service: Service,
}

impl Repository {
    fn new(key: &str) -> Repository {
        let files = [("service.py", SERVICE), ("client.py", CLIENT)];
        let environment = Environment::new(&files).with("KEY", key);
        let service = Service::start(&environment, &[]);
        let made = Repository { environment, service };
        made.git(&["init", "--quiet", "--initial-branch=main"]);
        made.git(&["add", "service.py", "client.py"]);
        made.git(&["commit", "--quiet", "--message=programs"]);
        made
    }

    /// Runs git to its good end; what it prints.
    fn git(&self, words: &[&str]) -> String {
        let author = ["-c", "user.name=Kim", "-c", "user.email=kim@example.org"];
        let done = Command::new("git")
            .args(author)
            .args(words)
            .current_dir(self.environment.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .unwrap();
        let printed = String::from_utf8(done.stdout).unwrap();
        let complained = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {words:?}: {printed}{complained}");
        printed
    }

    /// Records what the client asks for; what the command says.
    fn record(&self, mode: &str, paths: &[&str]) -> String {
        let words = ["record", "--cassette", "crm.cassette", "--target", &self.service.url];
        let client = ["--mode", mode, "--", "python3", "client.py"];
        let ended = self.environment.gate(&[&words[..], &client[..], paths].concat());
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        ended.stderr
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "crm.cassette"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Lines that came and went, by file.
    fn changed(&self) -> String {
        self.git(&["add", "--all", "crm.cassette"]);
        self.git(&["diff", "--cached", "--numstat"])
    }
}

const PATHS: &[&str] = &["/v1/contacts?limit=200", "/v1/me", "/v1/lists/7/members", "/v1/me"];

#[test]
fn to_record_again_what_has_not_changed_shows_nothing() {
    let repository = Repository::new("");
    repository.record("once", PATHS);
    repository.commit("recorded");
    for _ in 0..3 {
        let told = repository.record("all", PATHS);
        assert_eq!(repository.changed(), "", "{told}");
        assert_eq!(told, "recorded 7 interactions into crm.cassette, 7 of them unchanged\n");
    }
    repository.environment.write("changed", "");
    let told = repository.record("all", PATHS);
    assert!(told.contains(", 6 of them unchanged"), "{told}");
    let changed = repository.changed();
    let endpoints: Vec<&str> =
        changed.lines().filter(|line| line.contains("/endpoints/")).collect();
    assert_eq!(endpoints.len(), 1, "{changed}");
    let diff = repository.git(&["diff", "--cached"]);
    let has = |sign: char, plan: &str| {
        let is_plan = |line: &str| line.starts_with(sign) && line.contains(plan);
        diff.lines().any(is_plan)
    };
    assert!(has('-', r#""plan": "pro""#) && has('+', r#""plan": "basic""#), "{diff}");
    let words = ["replay", "--cassette", "crm.cassette", "--", "python3", "client.py"];
    let replayed = repository.environment.gate(&[&words[..], PATHS].concat());
    assert_eq!(replayed.code, 0, "{}{}", replayed.stdout, replayed.stderr);
}

/// Two branches record different endpoints of one service, from a cassette that there was, or
/// from none.
#[test]
fn what_two_have_recorded_comes_together() {
    let mine = ["/v1/contacts", "/v1/campaigns/3", "/v1/campaigns/3/stats", "/v1/a"];
    let theirs = ["/v1/lists/7", "/v1/lists/7/members", "/v1/me", "/v1/zones"];
    for has_base in [true, false] {
        let repository = Repository::new("k3y-of-kim-0123456789");
        if has_base {
            repository.record("once", &["/v1/webhooks"]);
            repository.commit("base");
        }
        let mode = if has_base { "new_episodes" } else { "once" };
        let words = ["replay", "--cassette", "crm.cassette", "--", "python3", "client.py"];
        repository.git(&["switch", "--quiet", "--create", "mine"]);
        repository.record(mode, &mine);
        repository.commit("mine");
        repository.git(&["switch", "--quiet", "--create", "theirs", "main"]);
        repository.record(mode, &theirs);
        repository.commit("theirs");
        repository.git(&["merge", "--quiet", "--no-edit", "mine"]);
        for asked in [&mine, &theirs] {
            let replayed = repository.environment.gate(&[&words[..], asked].concat());
            assert_eq!(replayed.code, 0, "{}{}", replayed.stdout, replayed.stderr);
        }
        let check = repository.environment.gate(&["cassette", "check", "crm.cassette"]);
        assert_eq!(check.code, 0, "{}", check.stdout);
    }
}
