"""Record a run as a runner does: one call where something happens.

Needs nothing: without CLICKHOUSE_URL the rows go to an embedded ClickHouse in .genesis_ch.
The scores are random numbers; they stand for a search.
"""

import random
import time
import uuid

from genesis_ch import ch_logger

run_id = time.strftime("run_%Y%m%d_%H%M%S_") + uuid.uuid4().hex[:8]  # runs of a sweep start in the same second
ch_logger.log_evolution_run(run_id, "toy", {"generations": 3}, 4, "local", f"results/{run_id}.db")
parent, parent_score = "", 0.0
for generation in range(3):
    scores = {f"ind_gen{generation}_{n}": generation + random.random() for n in range(4)}
    best = max(scores, key=lambda name: scores[name])
    kind = "mutate" if parent else "init"
    for name, score in scores.items():
        ch_logger.log_individual(
            run_id, name, generation, parent, kind, score, score, {"accuracy": score}, is_pareto=name == best
        )
        ch_logger.log_lineage(run_id, name, parent, generation, kind, fitness_delta=score - parent_score)
    front = [{"individual_id": best, "fitness_score": scores[best], "combined_score": scores[best], "metrics": {}}]
    ch_logger.log_pareto_front(run_id, generation, front)
    mean = sum(scores.values()) / len(scores)
    ch_logger.log_generation(run_id, generation, len(scores), scores[best], mean, pareto_size=len(front))
    parent, parent_score = best, scores[best]
ch_logger.update_evolution_run(run_id, "completed", total_generations=3)

# A runner need not flush: what is not delivered at exit waits in the outbox. It is here to have a result to print.
print(run_id, ch_logger.flush())
