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
"Record one call of a language model: a row of llm_logs, and a GENERATION of the same id in observations (option\n"
"observations).\n\n"
"messages is a list of {\"role\": ..., \"content\": ...} and is stored as JSON; response and thought\n"
"are text. cost is in US dollars, execution_time in seconds from request to response. metadata is any\n"
"mapping. usage is what the provider or its library returned, OpenAI's, Anthropic's, Gemini's or LiteLLM's\n"
"for example; input_tokens (the whole prompt) and output_tokens come from it when they are not given, and\n"
"are NULL when neither tells. error is the text of a call that failed.\n\n"
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
"               code_hash='', code_size=0, *, timestamp=None, code=None)\n"
"--\n\n"
"Record one evaluated program: the row of individuals with this run_id, generation and individual_id.\n\n"
"metrics is a mapping, nested as you like, stored as JSON; its finite numbers also go to metrics_num under dotted\n"
"names. Costs are in US dollars, code_size in bytes. code is the program's text: it is stored once for each hash, in\n"
"programs_code, and gives code_hash (SHA-256) and code_size when these are not given. With the option scores, fitness_score,\n"
"combined_score and each number of metrics is also stored as a score.\n\n"
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

PyDoc_STRVAR(log_trace_doc,
"log_trace($self, /, name=None, *, id=None, timestamp=None, user_id=None,\n"
"          session_id=None, input=None, output=None, metadata=None,\n"
"          tags=None, release=None, version=None, public=None,\n"
"          bookmarked=None, environment=None, project_id=None,\n"
"          run_id=None, generation=None, individual_id=None)\n"
"--\n\n"
"Record a trace, the root of spans, LLM calls and scores: a row of traces. Returns its id, a new one unless\n"
"id is given.\n\n"
"input and output are text or anything that becomes JSON; metadata is a mapping whose values are stored as\n"
"text; tags is a list of texts; timestamp is when it began.\n\n"
"Calling it again with the same id changes the trace: what is given counts, what is not stays as it is\n"
"stored, the entries of metadata and the tags add up, and the first timestamp stays. Calls of one process\n"
"apply in their order.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(log_observation_doc,
"log_observation($self, /, name=None, type=None, *, id=None,\n"
"                trace_id=None, parent_observation_id=None,\n"
"                start_time=None, end_time=None, input=None, output=None,\n"
"                metadata=None, level=None, status_message=None,\n"
"                version=None, model=None, internal_model_id=None,\n"
"                model_parameters=None, usage=None, cost=None,\n"
"                completion_start_time=None, prompt_id=None,\n"
"                prompt_name=None, prompt_version=None,\n"
"                tool_definitions=None, tool_calls=None,\n"
"                tool_call_names=None, environment=None, project_id=None,\n"
"                run_id=None, generation=None, individual_id=None,\n"
"                usage_pricing_tier_id=None,\n"
"                usage_pricing_tier_name=None)\n"
"--\n\n"
"Record a step of a trace: a row of observations. Returns its id, a new one unless id is given.\n\n"
"type is a word such as SPAN, GENERATION, AGENT, TOOL, CHAIN, RETRIEVER, EVALUATOR, EMBEDDING, GUARDRAIL or\n"
"EVENT, level one of DEBUG, DEFAULT, WARNING, ERROR. usage is what the provider of the model reported, cost a\n"
"number of US dollars or a mapping of token kinds to dollars; what is unknown is NULL. Both, and the rules of\n"
"usage_details, are in docs/values.md. start_time is now when it is not given; end_time stays NULL.\n\n"
"Calling it again with the same id changes it, as with log_trace; type and start_time stay.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(log_score_doc,
"log_score($self, /, name=None, value=None, *, trace_id=None,\n"
"          observation_id=None, id=None, timestamp=None, data_type=None,\n"
"          string_value=None, source=None, comment=None, session_id=None,\n"
"          dataset_run_id=None, author_user_id=None, config_id=None,\n"
"          queue_id=None, environment=None, project_id=None, run_id=None,\n"
"          generation=None, individual_id=None)\n"
"--\n\n"
"Record an evaluation of a trace, an observation or a session: a row of scores. Returns its id, a new one\n"
"unless id is given.\n\n"
"value is a number (NUMERIC), a bool (BOOLEAN) or a text (CATEGORICAL, in string_value). source is API, EVAL\n"
"or ANNOTATION.\n\n"
"Calling it again with the same id changes it, as with log_trace; name and timestamp stay.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(log_dataset_run_item_doc,
"log_dataset_run_item($self, /, dataset_id=None, dataset_run_id=None,\n"
"                     dataset_item_id=None, trace_id=None, *,\n"
"                     observation_id=None, id=None, timestamp=None,\n"
"                     error=None, dataset_run_name=None,\n"
"                     dataset_run_description=None,\n"
"                     dataset_run_metadata=None,\n"
"                     dataset_run_created_at=None,\n"
"                     dataset_item_input=None,\n"
"                     dataset_item_expected_output=None,\n"
"                     dataset_item_metadata=None, project_id=None)\n"
"--\n\n"
"Record one item of a run over a dataset: a row of dataset_run_items_rmt. Returns its id, a new one unless id\n"
"is given.\n\n"
"Calling it again with the same id changes it, as with log_trace; dataset_id and dataset_run_id stay.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(log_event_doc,
"log_event($self, /, entity_type=None, entity_id=None, event_id=None,\n"
"          bucket_name=None, bucket_path=None, *, id=None,\n"
"          timestamp=None, project_id=None)\n"
"--\n\n"
"Record that an event of an entity was stored as a file: a row of event_log, which is append-only. Returns\n"
"its id.\n\n"
"An id that is stored already is not stored again.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(log_blob_doc,
"log_blob($self, /, entity_type=None, entity_id=None, event_id=None,\n"
"         bucket_name=None, bucket_path=None, *, id=None, timestamp=None,\n"
"         project_id=None)\n"
"--\n\n"
"Record where a file of an entity lies: a row of blob_storage_file_log. Returns its id, a new one unless id\n"
"is given.\n\n"
"Calling it again with the same id changes bucket_name and bucket_path.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(delete_trace_doc,
"delete_trace($self, /, id, *, project_id=None)\n"
"--\n\n"
"Delete the trace of this id: from then on no reader with final=1 sees it. Returns the id.\n\n"
"What belongs to it is not deleted. A later log_trace with the id begins anew.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(delete_observation_doc,
"delete_observation($self, /, id, *, project_id=None)\n"
"--\n\n"
"Delete the observation of this id: from then on no reader with final=1 sees it. Returns the id.\n\n"
"What belongs to it is not deleted. A later log_observation with the id begins anew.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(delete_score_doc,
"delete_score($self, /, id, *, project_id=None)\n"
"--\n\n"
"Delete the score of this id: from then on no reader with final=1 sees it. Returns the id.\n\n"
"What belongs to it is not deleted. A later log_score with the id begins anew.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(delete_dataset_run_item_doc,
"delete_dataset_run_item($self, /, id, *, project_id=None)\n"
"--\n\n"
"Delete the item of this id: from then on no reader with final=1 sees it. Returns the id.\n\n"
"What belongs to it is not deleted. A later log_dataset_run_item with the id begins anew.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

PyDoc_STRVAR(delete_blob_doc,
"delete_blob($self, /, id, *, project_id=None)\n"
"--\n\n"
"Delete the entry of this id: from then on no reader with final=1 sees it. Returns the id.\n\n"
"What belongs to it is not deleted. A later log_blob with the id begins anew.\n\n"
"Never raises; how unusual values are stored is in docs/values.md.");

/* clang-format on */
#endif
