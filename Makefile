# The front door: `make` alone shows what there is. The project brings its own Node, as a pinned npm package.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/dist:$(PATH)

CLUSTER := node test/cluster/main.ts
IMAGE := dist/image/sotto-image.tar

.PHONY: help
help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

node_modules: package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo 'npm is missing: install Node.js of any version with npm; the project brings the Node it runs on'; exit 1; }
	@echo 'installing the npm packages of package-lock.json'
	@npm ci --loglevel=error
	@touch node_modules

.PHONY: demo
demo: image ## start a real cluster, install Sotto, and watch a secret arrive in an application
	@$(CLUSTER) up
	@$(CLUSTER) load $(IMAGE)
	@$(CLUSTER) exec -- node test/demo/main.ts

.PHONY: check
check: node_modules ## format, types, lint, unused code, and every test that needs neither root nor a cluster
	@$(MAKE) --jobs=2 --output-sync=target check-code check-unit

# Named on their own, so that two cores are busy.
.PHONY: check-code check-unit
check-code:
	@npm run --silent format:check
	@npm run --silent typecheck
	@npm run --silent lint
	@npm run --silent unused

check-unit:
	@npm run --silent test

.PHONY: test
test: check image ## everything of `make check`, and the suites that need root and a real cluster
	@npm run --silent test:root
	@trap '$(CLUSTER) down --name test' EXIT; \
	$(CLUSTER) up --name test; \
	$(CLUSTER) load --name test $(IMAGE); \
	$(CLUSTER) exec --name test -- npm run --silent test:cluster; \
	$(CLUSTER) exec --name test -- npm run --silent test:cluster:exclusive

.PHONY: build
build: node_modules ## bundle the programs into dist/, with the kubectl plugin kubectl-sotto
	@npm run --silent build

.PHONY: image
image: node_modules ## build the container image and its SBOM into dist/image/
	@npm run --silent image

.PHONY: cluster
cluster: node_modules ## start the cluster and leave it running
	@$(CLUSTER) up

.PHONY: shell
shell: node_modules ## open a shell inside the running cluster, with kubectl
	@$(CLUSTER) shell

.PHONY: cluster-down
cluster-down: node_modules ## stop every cluster of this project on this machine; nothing of them is left
	@$(CLUSTER) down --all

.PHONY: cluster-check
cluster-check: node_modules ## prove that starting, crashing and stopping a cluster leaves nothing behind
	@node --test test/cluster/teardown.check.ts

.PHONY: bench-pods
bench-pods: image ## time pods with and without injection on a cluster of their own
	@trap '$(CLUSTER) down --name bench' EXIT; \
	$(CLUSTER) up --name bench; \
	$(CLUSTER) load --name bench $(IMAGE); \
	$(CLUSTER) exec --name bench -- node bench/pod-start.ts

.PHONY: format
format: node_modules ## format every file
	@npm run --silent format

.PHONY: clean
clean: ## remove what was built and installed in this folder
	@rm -rf dist node_modules
