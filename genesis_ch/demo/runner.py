"""The evolutionary search, and every call by which a runner records itself.

Put a real language model in the place of `mutator` and `reviewer`, and another task in the
place of `sandbox` and `packing`; the calls of `ch_logger` stay as they are.
"""

from __future__ import annotations

import random
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from genesis_ch.demo import mutator, offline, patch, prompts, reviewer
from genesis_ch.demo.packing import BEST_KNOWN, CIRCLES
from genesis_ch.demo.population import Archive, Individual, pareto_front
from genesis_ch.demo.sandbox import Execution, Sandbox
from genesis_ch.demo.store import Store

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger

TASK = "circle_packing"
MAX_PROPOSALS = 3


@dataclass(frozen=True)
class Settings:
    """Size of the search. The same settings make the same choices."""

    generations: int = 10
    population: int = 20
    seed: int = 0
    workers: int = 2
    archive: int = 16
    time_limit: float = 10.0


@dataclass(frozen=True)
class Progress:
    """Where the search is: programs executed so far, of how many, and the best score among them."""

    generation: int
    executed: int
    total: int
    best_score: float
    ends_generation: bool



class Runner:
    """Runs one search and records it. `run_id`, `best` and `seconds` are known when `run` has ended."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        ch_logger: ClickHouseLogger,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.ch_logger = ch_logger
        self.on_progress = on_progress
        self.run_id = ""
        self.generation = 0
        self.executed = 0
        self.seconds = 0.0
        self.best: Individual | None = None
        self.archive = Archive(settings.archive)
        self.front: list[Individual] = []

    def run(self) -> None:
        """Begin, or resume where the store ends; record how it ended in any case."""
        start = time.monotonic()
        self._restore()
        database_path = str(self.store.path)
        known = self.ch_logger.get_run_id_by_path(database_path)
        self.run_id = known or f"run_{time.strftime('%Y%m%d_%H%M%S')}_{uuid.uuid4().hex[:8]}"
        self.ch_logger.log_evolution_run(
            run_id=self.run_id,
            task_name=TASK,
            config=self._config(),
            population_size=self.settings.population,
            cluster_type="local",
            database_path=database_path,
        )
        self._action("run_resumed" if known else "run_started", self.generation, {})
        try:
            with Sandbox(self.settings.workers, self.settings.time_limit) as sandbox:
                while self.generation < self.settings.generations:
                    self._generation(self.generation, sandbox)
                    self.generation += 1
        except BaseException as error:
            self._action("run_failed", self.generation, {"error": repr(error)})
            self.ch_logger.update_evolution_run(self.run_id, "failed", self.generation)
            raise
        self._action("run_completed", self.generation, {"best_score": self._best_score()})
        self.ch_logger.update_evolution_run(self.run_id, "completed", self.generation)
        self.seconds = time.monotonic() - start

    def _generation(self, generation: int, sandbox: Sandbox) -> None:
        """Propose, execute, rank, and record all of it."""
        rng = random.Random(f"{self.settings.seed}:{generation}")
        self._action("generation_started", generation, {"archive_size": len(self.archive.members)})
        individuals: list[Individual] = []
        for number in range(self.settings.population):
            individuals.append(self._propose(generation, number, rng, individuals))
            self._log_submitted(individuals[-1])
        executions = sandbox.execute([one.code for one in individuals])
        for one, execution in zip(individuals, executions, strict=True):
            self._finish(one, execution)
            self._tell(generation, ends_generation=one is individuals[-1])
        self.front = pareto_front(individuals)
        for one in individuals:
            one.is_pareto = one in self.front
            self._log_individual(one)
        self._update_archive(individuals)
        self._log_generation(generation, individuals)
        self.store.save(generation, individuals)

    def _propose(
        self, generation: int, number: int, rng: random.Random, siblings: list[Individual]
    ) -> Individual:
        """Ask for a program until it is new, a few times at most."""
        name = f"ind_gen{generation}_{number:03d}"
        api_cost = novelty_cost = 0.0
        for _ in range(MAX_PROPOSALS):
            parent = self.archive.parent(rng, self.front) if self.archive.members else None
            messages = self._messages(rng, parent)
            reply = mutator.query(messages, seed=rng.randrange(2**32))
            self._log_llm("propose", messages, reply, generation, name)
            proposal = patch.read(reply.text, parent.code if parent else "")
            api_cost += reply.cost

            closest = self._closest(proposal.code, siblings)
            messages = prompts.review(proposal.code, closest)
            reply = reviewer.query(messages)
            self._log_llm("review", messages, reply, generation, name)
            novelty_cost += reply.cost
            if reviewer.is_novel(reply):
                break
        kind = "init"
        if parent:
            kind = "crossover" if proposal.name.startswith("cross_") else "mutate"
        return Individual(
            id=name,
            generation=generation,
            parent_id=parent.id if parent else "",
            mutation_type=kind,
            summary=proposal.description,
            code=proposal.code,
            parent_score=parent.score if parent else 0.0,
            api_cost=api_cost,
            novelty_cost=novelty_cost,
        )

    def _messages(self, rng: random.Random, parent: Individual | None) -> prompts.Messages:
        if parent is None:
            return prompts.first_program()
        other = self.archive.inspiration(rng, parent)
        return prompts.better_program(parent.code, parent.score, other.code, other.score)

    def _closest(self, code: str, siblings: list[Individual]) -> str:
        if any(sibling.code == code for sibling in siblings):
            return code
        known = self.archive.closest(code)
        return known.code if known else ""

    def _finish(self, one: Individual, execution: Execution) -> None:
        """Take over what the sandbox found, and record the end of the job."""
        one.score = execution.verdict.score
        one.error = execution.verdict.error
        one.seconds = execution.seconds
        self.executed += 1
        if self.best is None or one.score > self.best.score:
            self.best = one
        self._log_finished(one)

    def _tell(self, generation: int, ends_generation: bool) -> None:
        total = self.settings.generations * self.settings.population
        self.on_progress(Progress(generation, self.executed, total, self._best_score(), ends_generation))

    def _update_archive(self, individuals: list[Individual]) -> None:
        for one in individuals:
            if self.archive.add(one):
                details = {"individual_id": one.id, "combined_score": one.combined}
                self._action("archive_updated", one.generation, details)

    def _restore(self) -> None:
        """Take over the settings and the finished generations of the store, if there are any."""
        known = self.store.settings()
        if known is None:
            self.store.begin(asdict(self.settings))
            return
        self.settings = Settings(**known)
        generations = self.store.generations()
        for one in (one for individuals in generations for one in individuals):
            self.executed += 1
            self.archive.add(one)
        self.generation = len(generations)
        self.front = pareto_front(generations[-1]) if generations else []
        self.best = max(self.archive.members, key=lambda one: one.score, default=None)

    def _best_score(self) -> float:
        return self.best.score if self.best else 0.0

    def _config(self) -> dict[str, Any]:
        return {
            "evolution": asdict(self.settings),
            "task": {"name": TASK, "circles": CIRCLES, "best_known": BEST_KNOWN},
            "llm": {
                "models": [mutator.MODEL, reviewer.MODEL],
                "pricing": "nominal; the offline stand-ins cost nothing",
                "dollars_per_input_token": offline.DOLLARS_PER_INPUT_TOKEN,
                "dollars_per_output_token": offline.DOLLARS_PER_OUTPUT_TOKEN,
            },
        }

    def _action(self, action_type: str, generation: int, details: dict[str, Any]) -> None:
        self.ch_logger.log_action(
            action_type=action_type,
            details={"generation": generation, **details},
            metadata={"cluster": "local", "task": TASK},
            run_id=self.run_id,
            generation=generation,
        )

    def _log_llm(
        self,
        purpose: str,
        messages: prompts.Messages,
        reply: offline.Reply,
        generation: int,
        individual_id: str,
    ) -> None:
        self.ch_logger.log_llm_interaction(
            model=reply.model,
            messages=messages,
            response=reply.text,
            cost=reply.cost,
            execution_time=reply.seconds,
            metadata={"task": TASK, "generation": generation, "purpose": purpose},
            run_id=self.run_id,
            generation=generation,
            individual_id=individual_id,
            provider="offline",
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
        )

    def _log_submitted(self, one: Individual) -> None:
        details = {"job_id": f"job_{one.id}", "parent_id": one.parent_id, "code_hash": one.code_hash}
        self._action("job_submitted", one.generation, details)

    def _log_finished(self, one: Individual) -> None:
        details: dict[str, Any] = {
            "job_id": f"job_{one.id}",
            "correct": one.correct,
            "combined_score": one.combined,
            "run_seconds": one.seconds,
            "api_costs": one.api_cost + one.novelty_cost,
        }
        if one.error:
            details["error"] = one.error
        self._action("job_completed" if one.correct else "job_failed", one.generation, details)

    def _log_individual(self, one: Individual) -> None:
        self.ch_logger.log_individual(
            run_id=self.run_id,
            individual_id=one.id,
            generation=one.generation,
            parent_id=one.parent_id,
            mutation_type=one.mutation_type,
            fitness_score=one.score,
            combined_score=one.combined,
            metrics=one.metrics,
            is_pareto=one.is_pareto,
            api_cost=one.api_cost,
            novelty_cost=one.novelty_cost,
            code_hash=one.code_hash,
            code_size=one.size,
        )
        self.ch_logger.log_lineage(
            run_id=self.run_id,
            child_id=one.id,
            parent_id=one.parent_id,
            generation=one.generation,
            mutation_type=one.mutation_type,
            fitness_delta=one.score - one.parent_score,
            edit_summary=one.summary,
        )

    def _log_generation(self, generation: int, individuals: list[Individual]) -> None:
        scores = [one.score for one in individuals]
        self.ch_logger.log_pareto_front(
            run_id=self.run_id,
            generation=generation,
            pareto_individuals=[
                {
                    "individual_id": one.id,
                    "fitness_score": one.score,
                    "combined_score": one.combined,
                    "metrics": one.metrics,
                }
                for one in self.front
            ],
        )
        self.ch_logger.log_generation(
            run_id=self.run_id,
            generation=generation,
            num_individuals=len(individuals),
            best_score=max(scores),
            avg_score=statistics.fmean(scores),
            pareto_size=len(self.front),
            total_cost=sum(one.api_cost + one.novelty_cost for one in individuals),
            metadata={
                "median_score": statistics.median(scores),
                "std_dev": statistics.pstdev(scores),
                "elite_count": len(self.archive.members),
                "failed": sum(not one.correct for one in individuals),
                "best_score_so_far": self._best_score(),
            },
        )
        self._action("generation_completed", generation, {"best_score": max(scores)})
