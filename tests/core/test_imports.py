"""A module that is loaded when it is used."""

import subprocess
import sys


def test_a_module_is_read_where_it_is_used_first():
    script = """
import sys
from dagster_project.core.imports import load_when_used
load_when_used("xml.dom.minidom")
import xml.dom.minidom as later
print("Document" in vars(later))
print(later.parseString("<a/>").documentElement.tagName)
load_when_used("no_such_module")
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "a"]


def test_great_expectations_is_loaded_without_spark(tmp_path):
    """Where Spark is installed it would be loaded too, and a part of it ends a process that began with no file."""
    package = tmp_path / "pyspark"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit(3)")
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from dagster_project.gates.validate import import_gx
import_gx()
print("pyspark" in sys.modules)
import pyspark
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (3, "False"), done.stderr


def test_garbage_is_looked_for_again_where_much_was_loaded():
    """In a process that runs more than once, what the runs before left must not stay for ever."""
    script = """
import gc, weakref
from dagster_project.core.imports import much_loaded
class Left: pass
with much_loaded():
    import xml.dom.minidom
    print(gc.isenabled())
stays = gc.get_freeze_count()
with much_loaded():
    import xml.dom.minidom
left = Left(); left.itself = left; seen = weakref.ref(left); del left
gc.collect()
print(gc.isenabled(), stays > 0, gc.get_freeze_count() == stays, seen() is None)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "True", "True", "True", "True"]


def test_what_was_loaded_before_is_hidden_for_a_while():
    script = """
import json.decoder, sys
from dagster_project.core.imports import hidden
before = sys.modules["json.decoder"]
with hidden("json"):
    for name in ("json", "json.decoder"):
        try:
            __import__(name)
        except ImportError:
            print(name)
print(sys.modules["json.decoder"] is before)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["json", "json.decoder", "True"]


def test_gates_load_no_statistics_that_no_suite_asks_for():
    """Great Expectations reads scipy and altair at its beginning: a second of every run."""
    script = """
import sys
from dagster_project.gates.validate import import_gx
import_gx()
print([m for m in ("scipy.stats._continuous_distns", "altair.vegalite") if m in sys.modules])
from scipy import stats
print(round(float(stats.norm.cdf(0.0)), 3))
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["[]", "0.5"]
