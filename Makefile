# The front door. `make` alone shows what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The project brings its own Node, as an npm package.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help
help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

node_modules: package.json package-lock.json .npmrc
	@echo 'installing npm packages (once)'
	@npm ci --loglevel=error
	@touch node_modules

.PHONY: check
check: node_modules ## format, types, lint, unused code, and every test that needs neither root nor a cluster
	@npm run --silent check
