# Two commands are enough: `make run` and `make test`.

PYTHON ?= $(shell python3.11 -c "print('python3.11')" 2>/dev/null || echo python3)
BIN := .venv/bin

.PHONY: run test check install install-tests format bench vendor clean

run: install
	@$(BIN)/python manage.py start

test: install-tests
	$(BIN)/pytest $(TESTS)

check: install-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --check --lint --quiet
	DATABASE_ROLE=owner $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	PUBLIC_URL=https://portal.example $(BIN)/python manage.py check --deploy --fail-level WARNING

# Every benchmark, or one: ONLY=grading make bench.
bench: .venv/.bench
	$(BIN)/python -m benchmarks

install: .venv/.product
install-tests: .venv/.tests

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	  echo "Anamnesis needs Python 3.11, and $(PYTHON) is not it. Run: PYTHON=/path/to/python3.11 make $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

# Torch first and alone, so that nothing else decides which build of it comes.
.venv/.product: .venv/.python requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check $$(grep -o '^torch==[^ ]*' requirements.txt)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.tests: .venv/.product tests/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@tests/install-packages
	@touch $@

.venv/.bench: .venv/.tests benchmarks/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

# Brings the pages' third-party parts again, at the versions of package-lock.json.
vendor:
	npm ci --ignore-scripts --no-audit --no-fund
	mkdir -p static/vendor/bootstrap static/vendor/htmx static/vendor/inter
	sed '/sourceMappingURL/d' node_modules/bootstrap/dist/css/bootstrap.min.css > static/vendor/bootstrap/bootstrap.min.css
	cp node_modules/bootstrap/LICENSE static/vendor/bootstrap/
	cp node_modules/htmx.org/dist/htmx.min.js node_modules/htmx.org/LICENSE static/vendor/htmx/
	cp node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2 \
	   node_modules/@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2 \
	   node_modules/@fontsource-variable/inter/LICENSE static/vendor/inter/

format: install-tests
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .
	$(BIN)/djlint templates --reformat --quiet

clean:
	rm -rf .venv var
