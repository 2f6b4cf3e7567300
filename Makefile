# `make demo` and `make test` need Python 3.11 or newer with its venv module, a C compiler and make.
# The rest is fetched into .venv once, at the versions of constraints.txt.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check lint soak bench bench-peers peers clean

# 3.11 and 3.12 first: durable_rules does not run on later ones.
PYTHONS := python3.11 python3.12 python3 python python3.13 python3.14
PYTHON  :=
BIN     := .venv/bin

# The place is part of the stamp's name: an editable install points to one folder, so a checkout
# that was copied or moved together with its .venv must be installed anew.
empty :=
space := $(empty) $(empty)
READY := .venv/installed$(subst /,-,$(subst $(space),_,$(CURDIR)))

help:
	@echo 'make demo    one change refused and one allowed, with the reasons'
	@echo 'make test    everything that must pass before a commit (the same as make check)'
	@echo 'make lint    its quick part: format, lint, types, layers, spelling'
	@echo 'make soak    a million checks, eight threads, hot reload, then a long random search for disagreement'
	@echo 'make bench   the measurements, and the comparison with other engines (make bench-peers: that alone)'
	@echo 'make clean   remove .venv and whatever was built'
	@echo
	@echo 'The first of them sets up .venv. make PYTHON=/path/to/python3 ... chooses the Python.'

# The exit code of `lawful check` is its answer: 0 allowed, 1 not allowed. Anything else is a failure.
define expect
	@printf '$$ %s\n' '$(2)'; \
	code=0; $(BIN)/$(2) || code=$$?; echo; \
	if [ $$code -ne $(1) ]; then echo "expected exit code $(1), got $$code" >&2; exit 1; fi
endef

MOVE := --set type=service --at 2025-03-01 --history none

demo: $(READY)
	@echo 'May a subscription account become a service account on 1 March 2025?'
	@echo
	@echo 'Its certification ended on 31 January 2025:'
	$(call expect,1,lawful check wechat --account fixtures/demo/expired.json $(MOVE))
	@echo 'The same account, certified until 31 January 2026:'
	$(call expect,0,lawful check wechat --account fixtures/demo/certified.json $(MOVE))

test: check

check: lint
	@$(BIN)/python -m pytest --quiet -n auto --dist loadgroup

lint: $(READY)
	@$(BIN)/ruff format --check --quiet . || { echo 'not formatted: run $(BIN)/ruff format .' >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/python -m mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >.venv/layers.txt || { cat .venv/layers.txt >&2; exit 1; }
	@$(BIN)/codespell

soak: $(READY)
	@$(BIN)/python benchmarks/soak.py
	@$(BIN)/python benchmarks/witness.py
	@HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest --quiet -n auto tests/test_parity.py tests/test_judging.py

bench: $(READY)
	@$(BIN)/python benchmarks/run.py
	@$(MAKE) --no-print-directory bench-peers

bench-peers: peers
	@cd benchmarks && ../$(BIN)/python -m peers

# One by one: a peer that cannot be installed is missing from the comparison, which says so, and no other is.
peers: $(READY)
	@$(BIN)/python -c 'import tomllib; \
	  print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' | \
	while read -r peer; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "$$peer" \
	    >.venv/peer.log 2>&1 || { cat .venv/peer.log >&2; echo "not installed: $$peer" >&2; }; \
	done

clean:
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find engine tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Finding a command is not enough: a version manager's shim may name a Python that is not installed,
# and Debian's Python comes without ensurepip.
# The build tools come first, so that durable_rules (source only) is built with the pinned ones.
$(READY): pyproject.toml constraints.txt
	@found=; bare=; \
	for python in $(if $(PYTHON),'$(PYTHON)',$(PYTHONS)); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  if "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then found=$$python; break; fi; \
	  bare=$${bare:-$$python}; \
	done; \
	if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	  echo "$$bare cannot make virtual environments: its venv or ensurepip module is missing." >&2; \
	  echo 'On Debian and Ubuntu: apt install python3-venv python3-dev' >&2; exit 1; \
	fi; \
	if [ -z "$$found" ]; then \
	  echo 'No Python 3.11 or newer was found (tried: $(or $(PYTHON),$(PYTHONS))).' >&2; \
	  echo 'Install one, or name it: make PYTHON=/path/to/python3 ...' >&2; exit 1; \
	fi; \
	if [ ! -e '$@' ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  echo "Setting up .venv with $$found (once; about a minute)"; \
	  "$$found" -m venv --clear .venv || exit 1; \
	else \
	  echo 'Bringing .venv up to date'; \
	fi; \
	log=.venv/install.log; \
	pip() { $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt "$$@"; }; \
	{ pip hatchling setuptools && \
	  pip --no-build-isolation --use-pep517 --editable '.[dev,audit,postgres,prove,spark,excel,examples]'; } >$$log 2>&1 || { \
	  cat $$log >&2; \
	  echo >&2; \
	  echo 'The packages could not be installed. Most often there is no way to the package index, or the C' >&2; \
	  echo 'compiler or the headers of Python are missing (Debian and Ubuntu: apt install gcc python3-dev).' >&2; \
	  exit 1; \
	}
	@touch '$@'
