# Everything a developer does here. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
TRAIN := .venv-train
TRAINED := $(TRAIN)/.installed
STAMP := $(VENV)/.installed
LOCKS := bootstrap base whisper dev train
# Starts PostgreSQL and Redis for one command, apart from those of `make serve`.
SERVERS := $(PY) -m astra_site.embedded run --data-dir var/check --
CODE := astra_site tenants jobs assets custody sessions_app astra_verify demo bench tests tools

.PHONY: help setup demo serve test chaos check format tools micro-model recording test-speech skeleton pictures migrations bench lock clean grpc proto

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv from the hashed requirements (needs Python 3.11 only)

$(STAMP): $(wildcard requirements/*.txt) tools/setup.sh
	@tools/setup.sh
	@touch $@

demo: setup ## Run the main job: a recorded session becomes sealed minutes, live and in batch
	@$(PY) -m demo.run

serve: setup ## Start web and workers with their own PostgreSQL and Redis; prints the admin's address
	@$(PY) -m demo.serve

grpc: setup ## Start the gRPC service alone, on the services that the environment names
	@$(PY) manage.py run_grpc

test: setup ## Run the tests (T="path or options" narrows them)
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(T)

chaos: setup ## Kill every part under twenty sessions, 100 rounds, half an hour (A="--rounds 5 --fault web_killed")
	@$(PY) -m tests.chaos.run $(A)

check: setup ## Check style, types, layers, migrations, the walls between councils and translations
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy $(foreach part,$(CODE),$(if $(wildcard $(part)/*.py),$(part))) manage.py
	$(VENV)/bin/lint-imports
	$(SERVERS) $(PY) manage.py makemigrations --check --dry-run
	$(SERVERS) sh -c '$(PY) manage.py migrate -v 0 && $(PY) manage.py check --database default --fail-level WARNING'
	$(PY) tools/check_messages.py

format: setup ## Format the code and sort its imports
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

tools: setup ## Install the programs that some tests use: LibreOffice, a browser, the Open XML validator
	@$(PY) tools/install.py

# What speaks or trains runs in an environment of its own and needs espeak-ng.
$(TRAINED): requirements/train.txt | setup
	@test -x $(TRAIN)/bin/python || $(UV) venv -q --python $(PY) $(TRAIN)
	@$(UV) pip install -q --python $(TRAIN)/bin/python --require-hashes -r requirements/train.txt
	@touch $@

micro-model: $(TRAINED) ## Train the demonstration's speech model anew (needs espeak-ng; most of an hour)
	@$(TRAIN)/bin/python -m tools.micro_model.build

recording: $(TRAINED) ## Make the demonstration's recording anew from its script (needs espeak-ng)
	@$(TRAIN)/bin/python -m demo.make_recording

test-speech: $(TRAINED) ## Make the recordings of the tests anew (needs espeak-ng)
	@$(TRAIN)/bin/python -m tests.data.speech.make
	@$(TRAIN)/bin/python -m tests.data.speech.make_held_out

skeleton: setup ## Make the demonstration's Word skeleton anew
	@$(PY) -m demo.make_skeleton

proto: setup ## Generate the gRPC code from the proto files
	@$(PY) -m tools.make_protos

pictures: setup ## Take the pictures of the tenant admin's guide anew (needs a browser)
	@$(PY) -m pytest -q -p no:xdist tests/browser/pictures_of_the_mapping_guide.py

migrations: setup ## Write the migrations that the models ask for
	@$(SERVERS) $(PY) manage.py makemigrations

bench: setup ## List the benchmarks, or run one: make bench B=append
	@if [ -n "$(B)" ]; then $(PY) -m bench.$$(echo $(B) | tr - _); \
	else echo "make bench B=<name>, with one of:"; \
	ls bench/*.py | sed -n 's|bench/\([a-z][a-z_]*\)\.py|  \1|p' | tr _ -; fi

lock: setup ## Lock the requirements anew, with hashes and without addresses
	@for name in $(LOCKS); do \
	$(UV) pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url \
	requirements/$$name.in -o requirements/$$name.txt || exit 1; done

clean: ## Remove .venv, caches and what runs left in var/ (stop `make serve` first)
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
	find . -name __pycache__ -not -path './.venv*' -type d -prune -exec rm -rf {} +
