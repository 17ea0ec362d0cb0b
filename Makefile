# Needs Python >= 3.11, git and make; everything else goes into .venv.
#   make demo   the whole suite on a small real set, ends by naming the report to open
#   make test   everything that is tested
#   make images container images of the tools
# Where an index of CPU-only torch wheels is reachable, TORCH_INDEX=URL saves several gigabytes of CUDA libraries.

PYTHON ?= python3
TORCH_INDEX ?=
DEMO ?= demo-output

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PIP_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint install schema wheel constraints lock images test-containers clean

demo: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" test-data/demo.sh "$(DEMO)"

# Two at a time: what starts servers in one of them, all else in the other.
test: $(INSTALLED) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(INSTALLED)

# The parameters of the Nextflow pipeline, from the options of the tools.
schema: $(INSTALLED)
	$(BIN)/python -m nextflow.schema

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: Python >= 3.11 is needed (PYTHON=python3.12 names another)")'
	@echo "Installing into $(VENV); the first time this downloads torch, which takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/pip install --quiet --index-url "$(TORCH_INDEX)" torch)
	$(BIN)/pip install --quiet --editable '.[test]'
	@mkdir -p $(VENV)/share/man/man1 && ln -sf "$(CURDIR)"/man/*.1 $(VENV)/share/man/man1
	@touch $@

UV := $(VENV)-lock/bin/uv
$(UV):
	$(PYTHON) -m venv $(VENV)-lock
	PIP_CONSTRAINT= $(VENV)-lock/bin/pip install --quiet uv

# The exact versions that were tested; "make constraints" looks for newer ones. Then run "make test".
constraints: $(UV)
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
	    --extra test --output-file constraints.txt setup.cfg
	rm -rf $(VENV)-lock

# The versions and hashes that images install, from setup.cfg and constraints.txt.
lock: $(UV)
	containers/lock.sh $(UV)
	rm -rf $(VENV)-lock

# For CPU, for GPU, and for CPU with IntaRNA and RNAhybrid; BUILD_OPTIONS may name other indexes and base images.
CONTAINERS ?= podman
BUILD_OPTIONS ?=
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' cupid_tools/__init__.py)
BUILD := $(CONTAINERS) build --file containers/Dockerfile $(BUILD_OPTIONS)
images:
	$(BUILD) --target app --tag cupid-tools:$(VERSION) .
	$(BUILD) --target app --build-arg VARIANT=gpu --tag cupid-tools:$(VERSION)-gpu .
	$(BUILD) --target full --tag cupid-tools:$(VERSION)-full .

# Builds them of a base made here, and runs the tools in them; needs root, podman, runc and mmdebstrap.
test-containers: $(INSTALLED)
	$(BIN)/python -m pytest tests/containers

wheel: $(INSTALLED)
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf $(VENV) $(VENV)-lock build dist man demo-output *.egg-info .mypy_cache .ruff_cache .hypothesis
