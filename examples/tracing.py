"""Which LLM call made which program: contexts and spans around a toy evolution, and the question asked of both models.

`ask_model` is a fake that needs no key; nothing below it names a run, a generation or an individual.
"""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import genesis_ch
from genesis_ch import ch_logger

QUESTION = """
SELECT
    i.individual_id,
    i.fitness_score,
    o.provided_model_name,
    o.total_cost,
    p.name
FROM individuals AS i
INNER JOIN observations AS o ON o.run_id = i.run_id AND o.individual_id = i.individual_id AND o.type = 'GENERATION'
INNER JOIN observations AS p ON p.id = o.parent_observation_id
WHERE i.run_id = {run_id:String}
ORDER BY i.individual_id
"""


def ask_model(prompt: str) -> str:
    """A fake model, recorded as any other: its row takes run, generation, individual, trace and step from where it is called."""
    reply = f"{prompt} {random.random():.3f}"
    usage = {"prompt_tokens": len(prompt), "completion_tokens": len(reply)}
    ch_logger.log_llm_interaction("fake-model", [{"role": "user", "content": prompt}], reply, cost=0.002, usage=usage)
    return reply


@genesis_ch.observe(as_type="agent")
def mutate(parent: str) -> str:
    """Ask for a better program."""
    return ask_model(f"better than {parent}?")


@genesis_ch.observe(as_type="evaluator")
def evaluate(code: str) -> float:
    """Run the program."""
    return float(code.split()[-1])


def make_child(run_id: str, generation: int, number: int) -> None:
    """One individual, with everything that made it under its name."""
    child = f"ind_{generation}_{number}"
    with genesis_ch.context(individual_id=child), genesis_ch.span("child", metadata={"number": number}) as step:
        code = mutate(f"ind_{generation - 1}_0")
        score = evaluate(code)
        step.score("fitness", score)
        ch_logger.log_individual(run_id, child, generation, "", "mutate", score, score, {}, False, code=code)


if __name__ == "__main__":
    run_id = f"run_{uuid.uuid4().hex[:8]}"
    ch_logger.log_evolution_run(run_id, "toy", {}, 3, "local", f"results/{run_id}.db")
    with genesis_ch.context(run_id=run_id, tags=["toy"]), genesis_ch.span("toy run"):
        for generation in range(2):
            with genesis_ch.context(generation=generation), ThreadPoolExecutor(3) as pool:
                for number in range(3):
                    pool.submit(genesis_ch.carry(make_child), run_id, generation, number)
    ch_logger.update_evolution_run(run_id, "completed", 2)
    print(run_id, bool(ch_logger.flush()))
    client = ch_logger.client
    rows = client.query(QUESTION, parameters={"run_id": run_id}).result_rows if client else []
    for row in rows:
        print(*row)
