# Needs Python >= 3.11, git and make; everything else goes into .venv.
#   make demo   the whole suite on a small real set, ends by naming the report to open
#   make test   everything that is tested
# Where an index of CPU-only torch wheels is reachable, TORCH_INDEX=URL saves several gigabytes of CUDA libraries.

PYTHON ?= python3
TORCH_INDEX ?=
DEMO ?= demo-output

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PIP_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint install wheel constraints clean

demo: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" test-data/demo.sh "$(DEMO)"

test: $(INSTALLED) lint
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: Python >= 3.11 is needed (PYTHON=python3.12 names another)")'
	@echo "Installing into $(VENV); the first time this downloads torch, which takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/pip install --quiet --index-url "$(TORCH_INDEX)" torch)
	$(BIN)/pip install --quiet --editable '.[test]'
	@mkdir -p $(VENV)/share/man/man1 && ln -sf "$(CURDIR)"/man/*.1 $(VENV)/share/man/man1
	@touch $@

# The exact versions that were tested; "make constraints" looks for newer ones. Then run "make test".
constraints:
	$(PYTHON) -m venv $(VENV)-lock
	PIP_CONSTRAINT= $(VENV)-lock/bin/pip install --quiet uv
	$(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
	    --extra test --output-file constraints.txt setup.cfg
	rm -rf $(VENV)-lock

wheel: $(INSTALLED)
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf $(VENV) $(VENV)-lock build dist man demo-output *.egg-info .mypy_cache .ruff_cache .hypothesis
