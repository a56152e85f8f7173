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


class Runner:
    """Runs one search and records it.

    `on_progress` is called after every executed program and may read `settings`, `generation`,
    `executed` (programs so far) and `best_score`.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        ch_logger: ClickHouseLogger,
        on_progress: Callable[[Runner], None] = lambda runner: None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.ch_logger = ch_logger
        self.on_progress = on_progress
        self.run_id = ""
        self.generation = 0
        self.executed = 0
        self.best: Individual | None = None
        self.archive = Archive(settings.archive)
        self.front: list[Individual] = []

    @property
    def best_score(self) -> float:
        """The best score so far, 0.0 before the first program."""
        return self.best.score if self.best else 0.0

    def run(self) -> None:
        """Begin, or resume where the store ends; record how it ended in any case."""
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
        self._log_action("run_resumed" if known else "run_started", {})
        try:
            with Sandbox(self.settings.workers, self.settings.time_limit) as sandbox:
                while self.generation < self.settings.generations:
                    self._run_generation(sandbox)
                    self.generation += 1
        except BaseException as error:
            self._log_action("run_failed", {"error": repr(error)})
            self.ch_logger.update_evolution_run(self.run_id, "failed", self.generation, error=repr(error))
            raise
        self._log_action("run_completed", {"best_score": self.best_score})
        self.ch_logger.update_evolution_run(self.run_id, "completed", self.generation)

    def _run_generation(self, sandbox: Sandbox) -> None:
        """Propose, execute, rank, and record all of it."""
        rng = random.Random(f"{self.settings.seed}:{self.generation}")
        self._log_action("generation_started", {"archive_size": len(self.archive.members)})
        individuals: list[Individual] = []
        for number in range(self.settings.population):
            individuals.append(self._propose(number, rng, individuals))
            self._log_submitted(individuals[-1])
        executions = sandbox.execute([one.code for one in individuals])
        for one, execution in zip(individuals, executions, strict=True):
            self._take(one, execution)
            self._log_finished(one)
            self.on_progress(self)
        self.front = pareto_front(individuals)
        for one in individuals:
            one.is_pareto = one in self.front
            self._log_individual(one)
            if self.archive.add(one):
                self._log_action("archive_updated", {"individual_id": one.id, "combined_score": one.combined})
        self._log_generation(individuals)
        self.store.save(self.generation, individuals)

    def _propose(self, number: int, rng: random.Random, siblings: list[Individual]) -> Individual:
        """Ask for a program until it is new, a few times at most."""
        name = f"ind_gen{self.generation}_{number:03d}"
        api_cost = novelty_cost = 0.0
        for _ in range(MAX_PROPOSALS):
            parent = self.archive.parent(rng, self.front) if self.archive.members else None
            messages = self._messages(rng, parent)
            reply = mutator.query(messages, seed=rng.randrange(2**32))
            self._log_llm("propose", messages, reply, name)
            proposal = patch.read(reply.text, parent.code if parent else "")
            api_cost += reply.cost

            messages = prompts.review(proposal.code, self.archive.closest(proposal.code, siblings))
            reply = reviewer.query(messages)
            self._log_llm("review", messages, reply, name)
            novelty_cost += reply.cost
            if reviewer.is_novel(reply):
                break
        kind = "init"
        if parent:
            kind = "crossover" if proposal.name.startswith("cross_") else "mutate"
        return Individual(
            id=name,
            generation=self.generation,
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

    def _take(self, one: Individual, execution: Execution) -> None:
        """Take over what the sandbox found."""
        one.score = execution.verdict.score
        one.error = execution.verdict.error
        one.seconds = execution.seconds
        self.executed += 1
        if self.best is None or one.score > self.best.score:
            self.best = one

    def _restore(self) -> None:
        """Take over the settings and the finished generations of the store, if there are any."""
        known = self.store.settings()
        if known is None:
            self.store.begin(asdict(self.settings))
            return
        self.settings = Settings(**known)
        for individuals in self.store.generations():
            for one in individuals:
                self.executed += 1
                self.archive.add(one)
            self.generation += 1
            self.front = pareto_front(individuals)
        self.best = max(self.archive.members, key=lambda one: one.score, default=None)

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

    # ---- what is recorded ----

    def _log_action(self, action_type: str, details: dict[str, Any]) -> None:
        self.ch_logger.log_action(
            action_type=action_type,
            details={"generation": self.generation, **details},
            metadata={"cluster": "local", "task": TASK},
            run_id=self.run_id,
            generation=self.generation,
        )

    def _log_llm(self, purpose: str, messages: prompts.Messages, reply: offline.Reply, individual_id: str) -> None:
        self.ch_logger.log_llm_interaction(
            model=reply.model,
            messages=messages,
            response=reply.text,
            cost=reply.cost,
            execution_time=reply.seconds,
            metadata={"task": TASK, "generation": self.generation, "purpose": purpose},
            run_id=self.run_id,
            generation=self.generation,
            individual_id=individual_id,
            provider="offline",
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
        )

    def _log_submitted(self, one: Individual) -> None:
        details = {"job_id": f"job_{one.id}", "parent_id": one.parent_id, "code_hash": one.code_hash}
        self._log_action("job_submitted", details)

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
        self._log_action("job_completed" if one.correct else "job_failed", details)

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

    def _log_generation(self, individuals: list[Individual]) -> None:
        scores = [one.score for one in individuals]
        self.ch_logger.log_pareto_front(
            run_id=self.run_id,
            generation=self.generation,
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
            generation=self.generation,
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
                "best_score_so_far": self.best_score,
            },
        )
        self._log_action("generation_completed", {"best_score": max(scores)})
