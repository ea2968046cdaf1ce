# `make demo` and `make test` are all that a fresh Debian machine with a Rust toolchain needs.

CARGO ?= cargo
# What a fresh machine may lack: the browser with its driver, Python for the example plug-in and
# the demo's check, git for who decides.
NEEDED = chromium chromedriver python3 git
PACKAGES = chromium chromium-driver fonts-liberation python3 git
# Clients that the tests record and replay: programs, and modules of Python. With ip the tests make
# machines of their own, which wants root. PostgreSQL's programs are not on the PATH.
CLIENTS = curl node ip
MODULES = requests httpx
SERVERS = /usr/lib/postgresql/*/bin/postgres
CLIENT_PACKAGES = curl nodejs iproute2 python3-requests python3-httpx postgresql

INSTALL = if ! command -v apt-get >/dev/null 2>&1; then \
		echo "install them with your package manager; on Debian: apt-get install $$packages"; exit 1; \
	fi; \
	sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo"; \
	$$sudo apt-get update && \
	DEBIAN_FRONTEND=noninteractive $$sudo apt-get install --yes --no-install-recommends $$packages

.PHONY: demo test check bench endure grid defences deps clients generate pictures axe

demo: deps
	$(CARGO) build --profile demo --package gate
	"$${CARGO_TARGET_DIR:-target}"/demo/gate demo --dir gate-demo

test: deps clients
	@for program in firefox geckodriver Xvfb; do command -v $$program >/dev/null 2>&1 || \
		echo "not installed, so its tests are not tried: $$program"; done
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace --no-fail-fast && $(CARGO) test --workspace --doc --quiet; \
	else \
		$(CARGO) test --workspace --no-fail-fast; \
	fi

# Formatting, lints and, where it is installed, the supply chain.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check; fi

bench:
	$(CARGO) build --release --package gate
	python3 tests/bench/start_up.py "$${CARGO_TARGET_DIR:-target}"/release/gate
	python3 tests/bench/diff.py "$${CARGO_TARGET_DIR:-target}"/release/gate
	python3 tests/bench/capture.py "$${CARGO_TARGET_DIR:-target}"/release/gate
	$(CARGO) build --release --package gate-review --example large_run
	python3 tests/bench/review.py "$${CARGO_TARGET_DIR:-target}"/release/gate \
		"$${CARGO_TARGET_DIR:-target}"/release/examples/large_run
	$(CARGO) build --release --package recorder --examples
	python3 tests/bench/replay.py "$${CARGO_TARGET_DIR:-target}"/release/gate \
		"$${CARGO_TARGET_DIR:-target}"/release/examples/large_cassette \
		"$${CARGO_TARGET_DIR:-target}"/release/examples/bare_server
	$(CARGO) build --release --package stats --examples
	$(CARGO) build --release --package load --examples
	python3 tests/bench/compare.py "$${CARGO_TARGET_DIR:-target}"/release/gate \
		"$${CARGO_TARGET_DIR:-target}"/release/examples/same_version \
		"$${CARGO_TARGET_DIR:-target}"/release/examples/moody_server
	"$${CARGO_TARGET_DIR:-target}"/release/examples/calibration 10000 1
	python3 tests/bench/visits.py "$${CARGO_TARGET_DIR:-target}"/release/gate
	$(CARGO) build --release --package dataset --package bucketing --examples
	python3 tests/bench/dataset.py "$${CARGO_TARGET_DIR:-target}"/release/examples/fold
	"$${CARGO_TARGET_DIR:-target}"/release/examples/rate
	python3 tests/bench/capacity.py "$${CARGO_TARGET_DIR:-target}"/release/gate \
		"$${CARGO_TARGET_DIR:-target}"/release/examples/limited_server
	python3 tests/bench/load.py "$${CARGO_TARGET_DIR:-target}"/release/gate \
		"$${CARGO_TARGET_DIR:-target}"/release/examples/known_server

# A million requests, and half an hour of them: whether `gate load` needs more memory with time. Then
# runs in which the generator itself is not fit: none of them may pass.
endure:
	$(CARGO) build --release --package gate
	python3 tests/bench/endure.py "$${CARGO_TARGET_DIR:-target}"/release/gate
	python3 tests/bench/unfit.py "$${CARGO_TARGET_DIR:-target}"/release/gate

# The same suite here and on a Selenium Grid whose nodes are killed; wants Java and npm as well.
grid: deps
	$(CARGO) build --profile demo --package gate
	python3 tests/grid.py "$${CARGO_TARGET_DIR:-target}"/demo/gate \
		--folder "$${CARGO_TARGET_DIR:-target}"/grid

# Removes each defence of the review, one at a time: a test has to notice each of them.
defences: deps
	CARGO="$(CARGO)" python3 tests/defences.py --folder "$${CARGO_TARGET_DIR:-target}"/defences

# Writes the schemas and the command-line reference anew.
generate:
	GATE_GENERATE=1 $(CARGO) test --package gate --test it generated

# What assistive technology needs of the review's pages; axe-core comes from npm.
axe:
	npm install --prefix tests/axe --no-audit --no-fund --no-package-lock
	$(CARGO) test --package gate --test it review_axe -- --ignored

# The pictures of the README, taken of what the demo leaves behind. Look at them before you keep them.
pictures: deps
	$(CARGO) build --profile demo --package gate
	python3 tests/pictures.py "$${CARGO_TARGET_DIR:-target}"/demo/gate

deps:
	@missing=""; for program in $(NEEDED); do \
		command -v $$program >/dev/null 2>&1 || missing="$$missing $$program"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "missing:$$missing"; packages="$(PACKAGES)"; $(INSTALL); \
	fi

# A Python that stands before the system's on the PATH may lack what the system's has: the tests
# look at both.
clients: deps
	@missing=""; for program in $(CLIENTS); do \
		command -v $$program >/dev/null 2>&1 || missing="$$missing $$program"; \
	done; \
	for module in $(MODULES); do \
		python3 -c "import $$module" >/dev/null 2>&1 || \
			/usr/bin/python3 -c "import $$module" >/dev/null 2>&1 || missing="$$missing $$module"; \
	done; \
	ls $(SERVERS) >/dev/null 2>&1 || missing="$$missing postgres"; \
	if [ -n "$$missing" ]; then \
		echo "missing:$$missing"; packages="$(CLIENT_PACKAGES)"; $(INSTALL); \
	fi
