# Two commands on a fresh machine do everything: `make reproduce` and `make test`.
# Both make the environment first. `make VENV=DIR ...` uses one elsewhere (for conda: VENV="$CONDA_PREFIX");
# `make PYTHON=python3.12 ...` makes it with another interpreter. Where there is no make:
# `pip install -c constraints.txt -e '.[lab,repro,cluster,site,test]'`, then `python -m rsslib reproduce`, `smoke`, `verify` ...

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.rsslib-stamp
PYTEST := $(PY) -m pytest -q
NBVAL := $(PYTEST) -p tests.nbval_sockets -n 2 --dist loadscope --no-loadscope-reorder
CLUSTER := tests/workflow/test_sweep_cluster.py
UNIT := tests rsslib --doctest-modules --ignore rsslib/propagation/_sionna_worker.py --ignore $(CLUSTER) \
  -n 2 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help env reproduce figures site test test-cluster coverage fuzz smoke verify paper results lab clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

env: $(STAMP) ## make or renew the environment, in .venv or in VENV=DIR

reproduce: $(STAMP) ## the main job: every table and figure, then RESULTS.md
	@$(PY) -m rsslib reproduce

# Reports run twice: in the smoke chain, then with their default parameters, which must print the same (--nbval). What
# the chain runs with other parameters, or not at all, runs with its defaults, too (--nbval-lax). The chain begins with one
# stage alone, so types are checked beside it.
# Two processes on two cores: threads that spin while they wait would burn the other's time.
test test-cluster coverage fuzz: export OMP_NUM_THREADS := 1
test test-cluster coverage fuzz: export OPENBLAS_NUM_THREADS := 1
test test-cluster coverage fuzz: export OMP_WAIT_POLICY := passive

test: $(STAMP) ## lint, types, unit tests with examples, the smoke chain, notebooks with their defaults
	@$(PY) -m ruff check .
	@$(PYTEST) $(UNIT)
	@$(PY) -m mypy & types=$$!; $(PY) -m rsslib smoke; chain=$$?; wait $$types && exit $$chain
	@rm -rf build/defaults
	@$(PY) -m nbconvert --log-level WARN --to notebook --output-dir build/defaults --TagRemovePreprocessor.enabled=True \
	  --TagRemovePreprocessor.remove_cell_tags injected-parameters docs/executed/smoke/*.ipynb
	@RSSLIB_PROGRESS=off $(NBVAL) --nbval $$(ls -r build/defaults/*.ipynb)    # the longest first
	@RSSLIB_PROGRESS=off $(NBVAL) --nbval-lax notebooks/train notebooks/08_ray_traced_city.ipynb

test-cluster: $(STAMP) ## stages on a cluster of processes of this machine, one of which is killed: a minute
	@$(PYTEST) $(CLUSTER)

coverage: $(STAMP) ## the unit tests with the share of lines that they run: a quarter slower, fails below 90 %
	@$(PYTEST) $(UNIT) --cov rsslib --cov-report term --cov-fail-under 90

fuzz: $(STAMP) ## 2,000 malformed inputs for each function that takes files, arrays or texts; an hour or two
	@RSSLIB_FUZZ_EXAMPLES=2000 $(PYTEST) tests/fuzz -n 2

smoke: $(STAMP) ## the whole chain on a tiny synthetic campus
	@$(PY) -m rsslib smoke

verify: $(STAMP) ## run the smoke chain twice from scratch and compare the results byte for byte
	@$(PY) -m rsslib verify

figures: $(STAMP) ## every table and figure but those of 07 and 08 from what trainings left, without training
	@$(PY) -m rsslib figures

site: $(STAMP) ## the site, in site/, from what the reports left; open site/index.html
	@$(PY) -m rsslib site

paper: $(STAMP) ## train the paper's networks for the profile full; wants a CUDA GPU
	@$(PY) -m rsslib paper

results: $(STAMP) ## write RESULTS.md and the other pages again from the records in results/
	@$(PY) -m rsslib.claims

lab: $(STAMP) ## open JupyterLab in the project's folder
	@$(PY) -m jupyter lab --LabApp.default_url=/lab/tree/notebooks/01_data_prep.ipynb

clean: ## remove build/, scratch/, site/ and the caches of tools; data, results and the environment stay
	rm -rf build scratch site .pytest_cache .ruff_cache .mypy_cache .coverage .hypothesis rsslib.egg-info
	find rsslib tests notebooks benchmarks \( -name __pycache__ -o -name .ipynb_checkpoints \) -exec rm -rf {} +

# Made again when pyproject.toml or constraints.txt changes. An environment that is there is added to, never replaced.
$(STAMP): pyproject.toml constraints.txt
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
	  $(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: $(PYTHON) is missing, older than 3.11, or cannot make environments." >&2; \
	    echo "      Install Python 3.11 or newer with venv (Debian, Ubuntu: python3-venv)," >&2; \
	    echo "      name another one (make PYTHON=python3.12 ...) or use environment.yml." >&2; exit 1; }; \
	  echo "making the environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing what pyproject.toml and constraints.txt ask for into $(VENV) (a few minutes the first time)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[lab,repro,cluster,site,test]'
	@touch $@
