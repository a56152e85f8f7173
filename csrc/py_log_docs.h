/* What help() shows for the log methods. The first line of each is its signature (tests/test_signatures.py holds it
 * against py_method.c). */
#ifndef GCH_PY_LOG_DOCS_H
#define GCH_PY_LOG_DOCS_H

#include <Python.h>

/* clang-format off */
PyDoc_STRVAR(log_llm_interaction_doc,
"log_llm_interaction($self, /, model, messages, response, cost=0.0,\n"
"                    execution_time=0.0, metadata=None, thought='', *,\n"
"                    timestamp=None, run_id='', generation=None,\n"
"                    individual_id='', trace_id='', provider='',\n"
"                    input_tokens=None, output_tokens=None, usage=None,\n"
"                    error='')\n"
"--\n\n"
"Record one call of a language model: a row of llm_logs.\n\n"
"messages is a list of {\"role\": ..., \"content\": ...} and is stored as JSON; response and thought\n"
"are text. cost is in US dollars, execution_time in seconds from request to response. metadata is any\n"
"mapping. usage maps token kinds to whole numbers, nested ones under dotted names; input_tokens and\n"
"output_tokens are NULL when not given. error is the text of a call that failed.\n\n"
"Returns None at once and never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(log_action_doc,
"log_action($self, /, action_type, details, metadata=None, *,\n"
"           timestamp=None, run_id='', generation=None)\n"
"--\n\n"
"Record an event of the system: a row of agent_actions.\n\n"
"action_type is a word such as \"job_submitted\", \"job_completed\", \"job_failed\" or\n"
"\"archive_updated\". details and metadata are mappings, stored as JSON.\n\n"
"Returns None at once and never raises.");

PyDoc_STRVAR(log_evolution_run_doc,
"log_evolution_run($self, /, run_id, task_name, config, population_size,\n"
"                  cluster_type, database_path, status='running', *,\n"
"                  timestamp=None, project_id='', parent_run_id='',\n"
"                  git_sha='', git_dirty=False, error='', tags=None)\n"
"--\n\n"
"Record the start of a run: the row of evolution_runs with this run_id.\n\n"
"config is a Hydra config or any mapping, stored as JSON with references resolved and with [redacted] for what\n"
"looks like a secret (option redact). Calling it again with the same run_id, as a resumed run does, replaces the\n"
"row. tags is a list of texts.\n\n"
"Returns None at once and never raises.");

PyDoc_STRVAR(update_evolution_run_doc,
"update_evolution_run($self, /, run_id, status, total_generations, *,\n"
"                     timestamp=None, error='')\n"
"--\n\n"
"Change status and total_generations of a run, and set its end_time unless status says it goes on.\n\n"
"Applied in the order of the calls, once. The other columns of the row stay; None leaves a value as it is.\n\n"
"Returns None at once and never raises.");

PyDoc_STRVAR(log_generation_doc,
"log_generation($self, /, run_id, generation, num_individuals, best_score,\n"
"               avg_score, pareto_size, total_cost=0.0, metadata=None, *,\n"
"               timestamp=None, task_name='')\n"
"--\n\n"
"Record the statistics of one generation: the row of generations with this run_id and generation.\n\n"
"total_cost is in US dollars. task_name is that of the run when this process logged it.\n\n"
"Returns None at once and never raises.");

PyDoc_STRVAR(log_individual_doc,
"log_individual($self, /, run_id, individual_id, generation, parent_id,\n"
"               mutation_type, fitness_score, combined_score, metrics,\n"
"               is_pareto, api_cost=0.0, embed_cost=0.0, novelty_cost=0.0,\n"
"               code_hash='', code_size=0, *, timestamp=None)\n"
"--\n\n"
"Record one evaluated program: the row of individuals with this run_id, generation and individual_id.\n\n"
"metrics is a mapping, nested as you like, stored as JSON; its finite numbers also go to metrics_num under dotted\n"
"names. Costs are in US dollars, code_size in bytes.\n\n"
"Returns None at once and never raises.");

PyDoc_STRVAR(log_pareto_front_doc,
"log_pareto_front($self, /, run_id, generation, pareto_individuals, *,\n"
"                 timestamp=None)\n"
"--\n\n"
"Record the Pareto front of a generation: one row of pareto_fronts for each individual.\n\n"
"pareto_individuals is a list of mappings with individual_id, fitness_score, combined_score and metrics, or of\n"
"objects with such attributes; it may be empty.\n\n"
"Returns None at once and never raises.");

PyDoc_STRVAR(log_lineage_doc,
"log_lineage($self, /, run_id, child_id, parent_id, generation,\n"
"            mutation_type, fitness_delta=0.0, edit_summary='', *,\n"
"            timestamp=None)\n"
"--\n\n"
"Record who a program descends from: a row of code_lineages.\n\n"
"fitness_delta is child minus parent. A child of two parents is logged twice.\n\n"
"Returns None at once and never raises.");

/* clang-format on */
#endif
