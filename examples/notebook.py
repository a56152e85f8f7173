"""Read a run with clickhouse-connect and pandas while it goes on; the cells are those of a notebook.

The first cell starts a runner in a process of its own, so that there is something to read. Needs pandas.
"""

# %% A runner at work. In a notebook of your own it is somewhere else, and this cell is not there.
import subprocess
import sys
import time

RUNNER = """
import time
from genesis_ch import ch_logger

ch_logger.connect()
ch_logger.log_evolution_run("run_notebook", "toy", {}, 20, "local", "results/notebook.db")
for generation in range(10):
    time.sleep(0.2)
    ch_logger.log_generation("run_notebook", generation, 20, 1 - 0.5**generation, 0.5 - 0.5 ** (generation + 1), 1)
ch_logger.update_evolution_run("run_notebook", "completed", 10)
"""
runner = subprocess.Popen([sys.executable, "-c", RUNNER])

# %% Connect to the server that rows go to: the one of CLICKHOUSE_URL, or the embedded one.
from genesis_ch import ch_logger

client = ch_logger.client  # of clickhouse-connect
assert client is not None, "no server; see `genesis-ch doctor`"

# %% Run this cell again whenever you like.
QUESTION = """
SELECT generation, best_score, avg_score
FROM generations
WHERE run_id = 'run_notebook'
ORDER BY generation
"""
while runner.poll() is None:
    frame = client.query_df(QUESTION)
    print(f"{len(frame)} generations so far, best score {frame.best_score.max() if len(frame) else 0:.3f}")
    time.sleep(0.5)

# %% The whole run. `df.plot(x="generation", y=["best_score", "avg_score"])` draws it where matplotlib is installed.
df = client.query_df(QUESTION)
print(df)

# %% Questions that have a name: `queries.names()` has all, `help(queries.generation_improvements)` explains one.
from genesis_ch import queries

result = queries.generation_improvements(client, run_id="run_notebook")
print(result.column_names, *result.result_rows[:3], sep="\n")
