# Needs only Python >= 3.11 and make: each target first makes .venv, once (5 GB, mostly torch).
#   PYTHON=python3.12   the Python that .venv is made of
#   ARGS="..."          more arguments for the program that the target runs
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup ablation test lint book pdf archive lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1:/p' Makefile | awk -F: '{ printf "%-14s%s\n", $$1, $$2 }'
	@echo 'Variables: PYTHON=python3.12 chooses the Python of .venv; ARGS="..." is handed on.'

setup: .venv/.ready ## make .venv with everything in it
	@echo "Ready: .venv"

# What the notebook prints comes through at once; the rest of papermill's and the kernel's talk goes
# to a log, of which a failure shows the last line: the sentence that says what to do.
ablation: .venv/.ready ## run the ablation (ARGS="-p lam 0.5" sets a parameter), result in runs/
	@mkdir -p runs
	@PYTHONUNBUFFERED=1 $(BIN)/papermill experiments/ablation.ipynb runs/ablation.ipynb \
		--no-progress-bar --log-level ERROR --stdout-file - $(ARGS) \
		2> runs/ablation.log || { grep . runs/ablation.log | tail -n 1 >&2; \
		echo "The whole traceback is in runs/ablation.log" >&2; exit 1; }

test: .venv/.ready ## run the tests (ARGS="-m slow" runs the slow ones)
	@$(BIN)/pytest $(ARGS)

lint: .venv/.ready ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# Chapters are executed where what they depend on has changed: see book/build.py.
book: .venv/.ready ## build the book into _build/html; any warning is an error
	@$(BIN)/python book/build.py $(ARGS)

pdf: book ## print the book into _build/augfpn-book.pdf (needs Chromium)
	@$(BIN)/python book/pdf.py

# Names in order, no owner, the commit's own date: hashes differ only where files do.
DATE = $(shell git log -1 --format=%cd --date=format:%Y-%m-%d)
ARCHIVE = augfpn-book-$(DATE)-$(shell git rev-parse --short=10 HEAD)
archive: pdf ## pack pages, PDF and chapters, dated and with their hash, into _build/archive
	@rm -rf _build/archive && mkdir -p _build/archive
	@tar --create --directory _build --sort=name --mtime=$(DATE) --owner=0 --group=0 --numeric-owner \
		--transform 's,^,$(ARCHIVE)/,' html colab augfpn-book.pdf | gzip --no-name > _build/archive/$(ARCHIVE).tar.gz
	@cd _build/archive && sha256sum $(ARCHIVE).tar.gz | tee $(ARCHIVE).tar.gz.sha256

lock: $(BIN)/uv ## write requirements.txt anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--no-annotate --no-emit-index-url --custom-compile-command "make lock" \
		--quiet --output-file requirements.txt

clean: ## remove the built book and the caches (.venv and runs/ stay)
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml requirements.txt | $(BIN)/uv
	@$(BIN)/uv pip install --python .venv -r requirements.txt -e '.[notebooks,test,book,backbones,weights,tensorboard,cluster,export,openvino]'
	@touch $@

# need(Python code, sentence): stop with the one sentence where the code fails
need = @$(PYTHON) -c '$(1)' 2>/dev/null || { echo "$(2)" >&2; exit 1; }

$(BIN)/uv:
	$(call need,,There is no $(PYTHON) here: name a Python >= 3.11 as in: make setup PYTHON=python3.12)
	$(call need,import sys; sys.exit(sys.version_info < (3, 11)),augfpn needs Python >= 3.11 \
	and $(PYTHON) is older: name a newer one as in: make setup PYTHON=python3.12)
	$(call need,import ensurepip; import venv,$(PYTHON) cannot make environments: install its \
	venv module (on Debian: apt install python3-venv))
	@echo "Making .venv, once; it holds torch and takes a minute or two."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
