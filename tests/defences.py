"""Removes each defence of the review, one at a time, and names the test that notices.

    python3 tests/defences.py [--only TEXT] [--folder target/defences] [--under COMMAND]

Works in a copy of the tree. Each defence is a text that stands exactly once in a file, and what an
attacker would rather read there. The binary is built with it, and the tests of the review run until
one fails. Prints `defence | red test` for each; ends with 1 when one is missed by all tests, does
not build, or is not found exactly once. Takes about a quarter of an hour.
"""

import argparse
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time
from typing import NamedTuple

# Where it begins with the tests; the stage that noticed the last defence goes to the front.
STAGES = [
    "guard::",
    "review_hostile::",
    "report::",
    "review_strangers::",
    "review_decide::",
    "review_views::",
    "review_keys::",
    "review_pictures::",
    "review_single::",
    "review_tools::",
]
# How long the tests of a stage may take, in seconds.
PATIENCE = 300

GUARD = "gates/review/src/guard.rs"
SERVER = "gates/review/src/server.rs"
FILES = "gates/review/src/files.rs"
COMMAND = "gates/review/src/command.rs"
API = "gates/review/src/api.rs"
SITE = "gates/review/src/site.rs"
DECISION = "gates/core/src/decision.rs"


class Defence(NamedTuple):
    name: str
    file: str
    text: str
    without: str


DEFENCES = [
    # Who is let in.
    Defence(
        "the exact Host",
        GUARD,
        "only(headers, &header::HOST) != Some(self.host.as_str())",
        "only(headers, &header::HOST).is_none()",
    ),
    Defence(
        "a header stands there once", GUARD, "values.next().is_none().then_some(first)", "Some(first)"
    ),
    Defence(
        "the host of an absolute target",
        GUARD,
        "uri.authority().is_some_and(|authority| authority.as_str() != self.host)",
        "false",
    ),
    Defence(
        "the exact Origin",
        GUARD,
        "let foreign = headers.contains_key(header::ORIGIN)",
        "let foreign = false && headers.contains_key(header::ORIGIN)",
    ),
    Defence(
        "no use by other sites",
        GUARD,
        'from.is_some_and(|site| !matches!(site, Some("same-origin" | "none")))',
        "from.is_some_and(|_| false)",
    ),
    Defence(
        "other ports are other sites",
        GUARD,
        'Some("same-origin" | "none")',
        'Some("same-origin" | "none" | "same-site")',
    ),
    Defence(
        "the token of the address", GUARD, "if same(token, &self.token) { Welcome }", "if true { Welcome }"
    ),
    Defence("the token at one place only", GUARD, 'uri.path() == "/"', "true"),
    Defence(
        "a cookie at all",
        GUARD,
        "if !self.cookies(headers).any(|token| same(token, &self.token)) {",
        "if false {",
    ),
    Defence("the cookie's value", GUARD, ".any(|token| same(token, &self.token))", ".any(|_| true)"),
    Defence(
        "a cookie for each port",
        GUARD,
        "|(name, _)| *name == self.cookie",
        '|(name, _)| name.starts_with("gate-review-")',
    ),
    Defence("all of a secret is compared", GUARD, "given.len() == secret.len() && ", ""),
    Defence("scripts cannot read the cookie", GUARD, "; HttpOnly", ""),
    Defence("the cookie stays on our pages", GUARD, "; SameSite=Strict", "; SameSite=Lax"),
    Defence("no other methods", GUARD, "if *method != Method::POST {", "if false {"),
    Defence(
        "a write says its origin", GUARD, "if !headers.contains_key(header::ORIGIN) {", "if false {"
    ),
    Defence(
        "the second secret of a write",
        GUARD,
        "if !only(headers, &CSRF).is_some_and(|secret| same(secret, &self.csrf)) {",
        "if false {",
    ),
    Defence(
        "a write is JSON",
        GUARD,
        '_ => Out(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a request like this is written in JSON"),',
        "_ => In,",
    ),
    Defence(
        "secrets are random", COMMAND, ".read_exact(&mut bytes)?", ".read(&mut bytes[..0]).map(drop)?"
    ),
    Defence(
        "two secrets", COMMAND, "let [token, csrf] = [secret()?, secret()?];",
        "let token = secret()?; let csrf = token.clone();",
    ),
    # Where it listens.
    Defence(
        "only this machine",
        COMMAND,
        "IpAddr::V4(Ipv4Addr::LOCALHOST)",
        "IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))",
    ),
    Defence(
        "no listening everywhere",
        COMMAND,
        "if arguments.host.to_canonical().is_unspecified() {",
        "if false {",
    ),
    Defence(
        "a warning of other machines", COMMAND, "if !arguments.host.is_loopback() {", "if false {"
    ),
    # What a browser is told.
    Defence("a policy for all pages", SERVER, "say(header::CONTENT_SECURITY_POLICY, POLICY);", ""),
    Defence(
        "no inline scripts",
        SERVER,
        "script-src 'self'; style-src",
        "script-src 'self' 'unsafe-inline'; style-src",
    ),
    Defence("no forms", SERVER, "form-action 'none'; ", ""),
    Defence("no other base", SERVER, "base-uri 'none'; ", ""),
    Defence(
        "frames of our own only",
        SERVER,
        "    frame-ancestors 'self'\";\n/// A page",
        "    frame-ancestors *\";\n/// A page",
    ),
    Defence("types are not guessed", SERVER, 'say(header::X_CONTENT_TYPE_OPTIONS, "nosniff");', ""),
    Defence("no referrer", SERVER, 'say(header::REFERRER_POLICY, "no-referrer");', ""),
    Defence("nothing is cached", SERVER, 'say(header::CACHE_CONTROL, "no-store");', ""),
    Defence("no foreign frames", SERVER, 'say(header::X_FRAME_OPTIONS, "SAMEORIGIN");', ""),
    Defence(
        "no use as a part of other pages",
        SERVER,
        'say(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");',
        "",
    ),
    Defence(
        "no handle for other windows",
        SERVER,
        'say(header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin");',
        "",
    ),
    Defence(
        "bounded bodies",
        SERVER,
        ".layer(DefaultBodyLimit::max(MOST_BODY))",
        ".layer(DefaultBodyLimit::disable())",
    ),
    # Files of a run.
    Defence(
        "a sandbox for pages of others",
        SERVER,
        "headers.insert(header::CONTENT_SECURITY_POLICY, policy);",
        "let _ = policy;",
    ),
    Defence(
        "what is unknown is saved",
        SERVER,
        "headers.insert(header::CONTENT_DISPOSITION, saved);",
        "let _ = saved;",
    ),
    Defence(
        "files of the report only",
        SERVER,
        "let kind = app.site.files.kind(&digest)?;",
        "let kind = app.site.files.kind(&digest).unwrap_or(crate::files::Kind::Png);",
    ),
    Defence(
        "small pictures of the report only",
        "gates/review/src/thumbnail.rs",
        "digest.and_then(|digest| app.site.files.kind(&digest))",
        "digest.map(|_| Kind::Png)",
    ),
    Defence(
        "one name for a file", SERVER, "(kind.extension() == ending).then_some((digest, kind))",
        "(!ending.is_empty()).then_some((digest, kind))",
    ),
    Defence(
        "no file is a page by accident",
        FILES,
        "            _ => Kind::Bytes,",
        "            _ => Kind::Html,",
    ),
    Defence(
        "a page of others on a disk",
        FILES,
        "Kind::Html => [BOXED.as_bytes(), &bytes].concat(),",
        "Kind::Html => bytes,",
    ),
    Defence(
        "a sandboxed frame",
        "gates/review/src/pages/evidence/mod.rs",
        ' sandbox="" loading="lazy"',
        ' loading="lazy"',
    ),
    Defence(
        "altered files are refused",
        "gates/core/src/store.rs",
        "if Digest::of(&bytes) == *digest {",
        "if true {",
    ),
    # Texts stay texts.
    Defence(
        "data cannot leave its element",
        "gates/review/src/pages/frame.rs",
        "let safe = text.replace('<', \"\\\\u003c\").replace('>', \"\\\\u003e\")",
        "let safe = text",
    ),
    Defence(
        "titles in pages",
        "gates/review/src/pages/gate.rs",
        "(verdict(Some(check.verdict))) \" \" (clean::line(&check.title))",
        "(verdict(Some(check.verdict))) \" \" (maud::PreEscaped(clean::line(&check.title)))",
    ),
    Defence(
        "names of columns",
        "gates/review/src/pages/evidence/table.rs",
        "(clean::line(&column.name))",
        "(maud::PreEscaped(clean::line(&column.name)))",
    ),
    Defence(
        "logs in pages",
        "gates/review/src/pages/evidence/mod.rs",
        "            (text(head))\n",
        "            (maud::PreEscaped(text(head)))\n",
    ),
    Defence(
        "texts in elements that scripts make",
        "gates/review/assets/page.js",
        "element.append(...children.filter((child) => child !== null && child !== undefined));",
        "for (const child of children) {\n"
        "      if (child instanceof Node) element.append(child);\n"
        "      else if (child) element.insertAdjacentHTML('beforeend', child);\n"
        "    }",
    ),
    Defence(
        "sentences in the viewer",
        "gates/review/assets/page.js",
        "element.replaceChildren(...parts.map("
        "(part, at) => (at % 2 ? gate.el('code', {}, part) : part)));",
        "element.innerHTML = text;",
    ),
    Defence(
        "sentences in pages",
        "gates/review/src/pages/frame.rs",
        "@else { (part) }",
        "@else { (maud::PreEscaped(part)) }",
    ),
    Defence(
        "commands in pages",
        "gates/review/src/pages/frame.rs",
        "code { (part) }",
        "code { (maud::PreEscaped(part)) }",
    ),
    Defence(
        "reasons in the viewer",
        "gates/review/assets/decide.js",
        "gate.byId('state').replaceChildren(gate.stateMark(word), ' ', sentence(item, word));",
        "gate.byId('state').innerHTML = `${gate.stateMark(word).outerHTML} ${sentence(item, word)}`;",
    ),
    # What may be decided.
    Defence("no decisions in a pipeline", API, "if !app.may_decide {", "if false {"),
    Defence(
        "no applying in a pipeline", COMMAND, "if is_ci(cx) && !arguments.in_ci {", "if false {"
    ),
    Defence(
        "a decision has a reason", API, " || reason.is_empty()", ""
    ),
    Defence("bounded reasons", API, " || reason.len() > MOST_TEXT", ""),
    Defence(
        "no wish for more",
        SITE,
        "#[serde(deny_unknown_fields)]\npub(crate) struct Wish {",
        "pub(crate) struct Wish {",
    ),
    Defence(
        "who decides has seen the last decision",
        SITE,
        "if last.map(|last| last.at) == seen[&one.decision.proposal.id] {",
        "if true {",
    ),
    Defence(
        "the run has to say the same",
        SITE,
        "            .filter(|(_, proposal)| **proposal == decision.proposal)\n",
        "",
    ),
    Defence("a proposal is what its id says", SITE, "if !proposal.is_genuine() {", "if false {"),
    Defence(
        "decisions on this run only",
        "gates/review/src/apply.rs",
        "if decisions.run != site.report.run {",
        "if false {",
    ),
    Defence(
        "a stale run is read only",
        SITE,
        "Some(path) => State::Stale { path },",
        "Some(_) => State::Open,",
    ),
    Defence(
        "nothing is written over what has changed",
        DECISION,
        "if current(workspace, &change.path)? != change.expected {",
        "if current(workspace, &change.path)? != change.expected && false {",
    ),
    Defence(
        "one file asks nobody",
        "gates/review/src/single.rs",
        "const POLICY: &str = \"default-src 'none'; ",
        "const POLICY: &str = \"default-src * data:; ",
    ),
    Defence(
        "a question is held against its schema",
        "gates/review/src/tools/mod.rs",
        "        if !problems.is_empty() {\n            return Err(Unanswered::Problems(problems));\n        }\n",
        "        let _ = problems;\n",
    ),
    Defence("baselines and cassettes only", DECISION, "    if is_ours {", "    if true {"),
    Defence("no path out of the workspace", DECISION, "if !plain || path.is_empty() {", "if false {"),
    Defence("links are not followed", DECISION, "if at.is_symlink() {", "if false {"),
]


class Copy:
    """A copy of the tree, in which defences are removed."""

    def __init__(self, root, folder, under):
        self.tree = folder / "tree"
        self.under = under
        self.stages = list(STAGES)
        self.environment = {**os.environ, "CARGO_TARGET_DIR": str(folder / "build")}
        for name in ("CI", "GATE_SEED"):
            self.environment.pop(name, None)
        self.renew(root)
        self.tests = self.build("test", "--test", "it", "--no-run")

    def renew(self, root):
        """Brings it up to date; what is the same keeps its time, so that it is not built again."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        output = subprocess.run(listed, cwd=root, capture_output=True, check=True).stdout
        names = {name for name in output.decode().split("\0") if (root / name).is_file()}
        if self.tree.is_dir():
            for path in [path for path in self.tree.rglob("*") if path.is_file()]:
                if str(path.relative_to(self.tree)) not in names:
                    path.unlink()
        for name in sorted(names):
            target = self.tree / name
            if not target.is_file() or target.read_bytes() != (root / name).read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, target)
                shutil.copymode(root / name, target)

    def build(self, *what):
        """Builds something of the package `gate`; the program that came out of it last."""
        command = [os.environ.get("CARGO", "cargo"), *what, "--package", "gate", "--quiet"]
        built = subprocess.run(
            [*self.under, *command, "--message-format", "json-render-diagnostics"],
            cwd=self.tree,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if built.returncode != 0:
            raise RuntimeError("does not build:\n" + built.stderr[-2000:])
        messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
        programs = [message["executable"] for message in messages if message.get("executable")]
        return programs[-1]

    def red(self):
        """The first tests that fail, or none. They run the binary as it was built last."""
        for stage in list(self.stages):
            ran = subprocess.Popen(
                [*self.under, self.tests, stage],
                cwd=self.tree,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            try:
                said, _ = ran.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(ran.pid, signal.SIGKILL)
                ran.wait()
                raise
            failed = [
                line.split()[1]
                for line in said.splitlines()
                if line.startswith("test ") and line.endswith("... FAILED")
            ]
            if failed:
                # Neighbours in the list are noticed by the same tests.
                self.stages.remove(stage)
                self.stages.insert(0, stage)
                return failed
            if ran.returncode != 0:
                raise RuntimeError("the tests ended badly:\n" + said[-2000:])
        return []

    def without(self, defence):
        """The tests that notice that it is gone."""
        path = self.tree / defence.file
        whole = path.read_text()
        path.write_text(whole.replace(defence.text, defence.without))
        try:
            self.build("build", "--bin", "gate")
            return self.red()
        finally:
            path.write_text(whole)


def not_there(root):
    """The defences whose text does not stand in its file exactly once."""
    return [
        f"{defence.name}: found {count} times in {defence.file}"
        for defence in DEFENCES
        if (count := (root / defence.file).read_text().count(defence.text)) != 1
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="those whose name contains this")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("target/defences"))
    parser.add_argument("--under", default="", help="a command that builds and tests run under")
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    gone = not_there(root)
    if gone:
        print("\n".join(gone))
        return 1
    began = time.monotonic()
    copy = Copy(root, arguments.folder.resolve(), shlex.split(arguments.under))
    copy.build("build", "--bin", "gate")
    if already := copy.red():
        print("red with every defence in place: " + ", ".join(already))
        return 1
    chosen = [defence for defence in DEFENCES if arguments.only in defence.name]
    missed = 0
    for defence in chosen:
        try:
            noticed = copy.without(defence)
            said = ", ".join(noticed) or "NO TEST NOTICES"
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            noticed, said = [], f"COULD NOT BE TRIED: {error}"
        missed += not noticed
        print(f"{defence.name} | {said}", flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"{len(chosen) - missed} of {len(chosen)} are noticed; it took {minutes:.0f} minutes")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
