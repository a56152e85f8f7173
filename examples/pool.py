"""Record from the workers of a multiprocessing pool, which are terminated when the block ends.

Each worker records for itself. A row is safe when its call has returned, whatever becomes of the worker then.
"""

import multiprocessing
import os
import random
import time
import uuid

from genesis_ch import ch_logger

RUN_ID = time.strftime("run_pool_%Y%m%d_%H%M%S_") + uuid.uuid4().hex[:8]


def evaluate(number: int) -> int:
    """Evaluate one program in a worker: a random number after a short sleep stands for it."""
    time.sleep(0.01)
    score = random.random()
    ch_logger.log_individual(RUN_ID, f"ind_{number}", 0, "", "init", score, score, {"pid": os.getpid()}, False)
    return os.getpid()


if __name__ == "__main__":
    ch_logger.log_evolution_run(RUN_ID, "toy", {}, 100, "local", "results/pool.db")
    with multiprocessing.Pool(4) as pool:
        workers = set(pool.map(evaluate, range(100)))
    ch_logger.update_evolution_run(RUN_ID, "completed", 1)

    # flush() also delivers what the terminated workers left in the outbox.
    result = ch_logger.flush()
    print(f"{len(workers)} workers, {result}")
    if ch_logger.enabled and ch_logger.client is not None:
        count = "SELECT count() FROM individuals WHERE run_id = {run:String}"
        print(ch_logger.client.query(count, parameters={"run": RUN_ID}).result_rows[0][0], "rows read back")
