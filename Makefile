# Every target sets up what it needs: Python 3.11 or newer and make are enough.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast lint dev board setup-spark spark-up spark-down postgres-up postgres-down bench docs lock clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
SPARK := .venv/.spark-ready

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

# uv comes from the registry into the project; the environment follows the lock (with hashes) exactly.
.uv/bin/uv: bootstrap.lock
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --require-hashes -r bootstrap.lock
	@touch $@

$(STAMP): .uv/bin/uv requirements.lock pyproject.toml
	.uv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv
	.uv/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	.uv/bin/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

# Built from its source, with the setuptools of the environment: with others its hash would not be all that counts.
$(SPARK): $(STAMP) requirements-spark.lock
	.uv/bin/uv pip install --quiet --require-hashes --no-build-isolation --python $(BIN)/python -r requirements-spark.lock
	@touch $@

setup: $(STAMP)  ## create the environment in .venv

run: $(STAMP)  ## publish a release from the sample extracts in raw/
	$(BIN)/resultattavla run

test: $(STAMP)  ## run the tests
	$(BIN)/pytest

test-fast: $(STAMP)  ## run the tests that need no whole run of the job and no browser (a minute)
	$(BIN)/pytest -m "not whole_run and not browser"

lint: $(STAMP)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python dbt/lint.py

setup-spark: $(SPARK)  ## add Apache Spark to the environment (it needs Java 17: apt-get install openjdk-17-jre-headless)

spark-up: $(SPARK)  ## start a Spark cluster on this machine: one master, two workers, spark://127.0.0.1:7077 (PORT=7078)
	$(BIN)/python -m dagster_project.cli.sparkcluster up $(PORT)

spark-down: $(SPARK)  ## stop it
	$(BIN)/python -m dagster_project.cli.sparkcluster down

dev: $(STAMP)  ## the Dagster UI on http://localhost:3000
	$(BIN)/python -m dagster_project.cli.devserver

board: $(STAMP)  ## the board on http://localhost:8000, for this machine only (PORT=8001)
	$(BIN)/python -m dagster_project.cli.boardserver $(PORT)

postgres-up: $(STAMP)  ## a PostgreSQL server on this machine, in .postgres/ (PORT=54330; Debian's package postgresql)
	$(BIN)/python -m dagster_project.cli.postgresserver up $(PORT)

postgres-down: $(STAMP)  ## stop it
	$(BIN)/python -m dagster_project.cli.postgresserver down

bench: $(STAMP)  ## measure, and make docs/performance.md of it (ROWS=2000000)
	$(BIN)/python -m bench $(if $(ROWS),--rows $(ROWS))

docs: $(STAMP)  ## dbt's documentation of every model, in data/dbt/static_index.html
	$(BIN)/python -m dagster_project.cli.dbtdocs

lock: .uv/bin/uv  ## renew the lock files from pyproject.toml
	.uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group dev pyproject.toml -o requirements.lock
	.uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group pyproject.toml:spark --constraint requirements.lock -o requirements-spark.lock
	echo 'uv' | .uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o bootstrap.lock

clean:  ## remove the environment (data stays)
	rm -rf .venv .uv *.egg-info
