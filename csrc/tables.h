/* The tables and their columns: the one list that the row encoder, the insert statements and the tests read.
 *
 * Columns stand in the order in which a row is written to the outbox and sent. The documented columns come first, in
 * the documented order; ours follow; _ts, the version of the row, is last. sql/migrations holds the same names and
 * types (tests/test_tables.py compares).
 */
#ifndef GCH_TABLES_H
#define GCH_TABLES_H

#include <stddef.h>

#include "buf.h"

/* How a column gets its value. X(form, ClickHouse type) */
#define GCH_FORM_MAP(X)                                                                                                \
    X(TEXT, "String")                                                                                                  \
    X(OBJECT, "String") /* JSON; {} when nothing is given */                                                           \
    X(CONFIG, "String") /* JSON as OBJECT, without secrets */                                                          \
    X(LIST, "String")   /* JSON; [] when nothing is given */                                                           \
    X(NULL_TEXT, "Nullable(String)")                                                                                   \
    X(TYPE, "LowCardinality(String)")  /* of an observation, in capitals; SPAN when none is given */                   \
    X(LEVEL, "LowCardinality(String)") /* in capitals; DEFAULT when none is given */                                   \
    X(SOURCE, "String")                /* of a score, in capitals; API when none is given */                           \
    X(F64, "Float64")                                                                                                  \
    X(I32, "Int32")                                                                                                    \
    X(BOOL, "Bool")                                                                                                    \
    X(NULL_I32, "Nullable(Int32)")                                                                                     \
    X(NULL_U64, "Nullable(UInt64)")                                                                                    \
    X(NULL_U16, "Nullable(UInt16)")                                                                                    \
    X(TAGS, "Array(String)")                                                                                           \
    X(METRICS, "String") /* JSON; {} when nothing is given; its finite numbers go to the NUMBERS behind it */          \
    X(NUMBERS, "Map(LowCardinality(String), Float64)")                                                                 \
    X(STRINGS, "Map(LowCardinality(String), String)")                                                                  \
    X(STRING_PAIRS, "Map(String, String)")                                                                             \
    X(USAGE, "Map(LowCardinality(String), UInt64)")         /* as the provider reported it */                          \
    X(USAGE_BUCKETS, "Map(LowCardinality(String), UInt64)") /* of the same call, disjoint (usage.h) */                 \
    X(USAGE_INPUT, "Nullable(UInt64)")                      /* given, or what the usage says */                        \
    X(USAGE_OUTPUT, "Nullable(UInt64)")                                                                                \
    X(COSTS_GIVEN, "Map(LowCardinality(String), Decimal(18, 12))")                                                     \
    X(COSTS, "Map(LowCardinality(String), Decimal(18, 12))") /* given, or computed from the usage */                   \
    X(COST_TOTAL, "Nullable(Decimal(18, 12))")                                                                         \
    X(TIME, "DateTime64(3)")   /* when it happened: given, or now */                                                   \
    X(MOMENT, "DateTime64(3)") /* another time: given, or now */                                                       \
    X(NOW, "DateTime64(3)")    /* when the call was made */                                                            \
    X(NULL_TIME, "Nullable(DateTime64(3))")                                                                            \
    X(EPOCH, "DateTime64(3)") /* 1970-01-01, until an update or a deletion sets it */                                  \
    X(NEW_ID, "UUID")                                                                                                  \
    X(ID, "String") /* given, or new */                                                                                \
    X(PROJECT, "String")                                                                                               \
    X(ENVIRONMENT, "LowCardinality(String)")                                                                           \
    X(HOSTNAME, "String")                                                                                              \
    X(PID, "UInt32")                                                                                                   \
    X(EVENT, "DateTime64(3)") /* the version of a row with an id: later than that of any earlier call for this id */   \
    X(DELETED, "UInt8")                                                                                                \
    X(SET, "UInt64") /* which columns the call gave (merge.h); not a column of the table */                            \
    X(VERSION, "DateTime64(6)")

enum gch_form {
#define X(form, type) GCH_FORM_##form,
    GCH_FORM_MAP(X)
#undef X
};

/* X(column, form) */
#define GCH_COLUMNS_evolution_runs(X)                                                                                  \
    X(run_id, TEXT)                                                                                                    \
    X(start_time, TIME)                                                                                                \
    X(end_time, EPOCH)                                                                                                 \
    X(task_name, TEXT)                                                                                                 \
    X(config, CONFIG)                                                                                                  \
    X(status, TEXT)                                                                                                    \
    X(total_generations, I32)                                                                                          \
    X(population_size, I32)                                                                                            \
    X(cluster_type, TEXT)                                                                                              \
    X(database_path, TEXT)                                                                                             \
    X(project_id, TEXT)                                                                                                \
    X(parent_run_id, TEXT)                                                                                             \
    X(git_sha, TEXT)                                                                                                   \
    X(git_dirty, BOOL)                                                                                                 \
    X(hostname, HOSTNAME)                                                                                              \
    X(pid, PID)                                                                                                        \
    X(heartbeat_at, TIME)                                                                                              \
    X(error, TEXT)                                                                                                     \
    X(tags, TAGS)                                                                                                      \
    X(_ts, VERSION)

#define GCH_COLUMNS_generations(X)                                                                                     \
    X(run_id, TEXT)                                                                                                    \
    X(generation, I32)                                                                                                 \
    X(timestamp, TIME)                                                                                                 \
    X(num_individuals, I32)                                                                                            \
    X(best_score, F64)                                                                                                 \
    X(avg_score, F64)                                                                                                  \
    X(pareto_size, I32)                                                                                                \
    X(total_cost, F64)                                                                                                 \
    X(metadata, OBJECT)                                                                                                \
    X(task_name, TEXT)                                                                                                 \
    X(_ts, VERSION)

#define GCH_COLUMNS_individuals(X)                                                                                     \
    X(run_id, TEXT)                                                                                                    \
    X(individual_id, TEXT)                                                                                             \
    X(generation, I32)                                                                                                 \
    X(timestamp, TIME)                                                                                                 \
    X(parent_id, TEXT)                                                                                                 \
    X(mutation_type, TEXT)                                                                                             \
    X(fitness_score, F64)                                                                                              \
    X(combined_score, F64)                                                                                             \
    X(metrics, METRICS)                                                                                                \
    X(is_pareto, BOOL)                                                                                                 \
    X(api_cost, F64)                                                                                                   \
    X(embed_cost, F64)                                                                                                 \
    X(novelty_cost, F64)                                                                                               \
    X(code_hash, TEXT)                                                                                                 \
    X(code_size, I32)                                                                                                  \
    X(metrics_num, NUMBERS)                                                                                            \
    X(_ts, VERSION)

#define GCH_COLUMNS_pareto_fronts(X)                                                                                   \
    X(run_id, TEXT)                                                                                                    \
    X(generation, I32)                                                                                                 \
    X(timestamp, TIME)                                                                                                 \
    X(individual_id, TEXT)                                                                                             \
    X(fitness_score, F64)                                                                                              \
    X(combined_score, F64)                                                                                             \
    X(metrics, METRICS)                                                                                                \
    X(_ts, VERSION)

#define GCH_COLUMNS_code_lineages(X)                                                                                   \
    X(run_id, TEXT)                                                                                                    \
    X(child_id, TEXT)                                                                                                  \
    X(parent_id, TEXT)                                                                                                 \
    X(generation, I32)                                                                                                 \
    X(mutation_type, TEXT)                                                                                             \
    X(timestamp, TIME)                                                                                                 \
    X(fitness_delta, F64)                                                                                              \
    X(edit_summary, TEXT)                                                                                              \
    X(_ts, VERSION)

#define GCH_COLUMNS_llm_logs(X)                                                                                        \
    X(id, NEW_ID)                                                                                                      \
    X(timestamp, TIME)                                                                                                 \
    X(model, TEXT)                                                                                                     \
    X(messages, LIST)                                                                                                  \
    X(response, TEXT)                                                                                                  \
    X(cost, F64)                                                                                                       \
    X(execution_time, F64)                                                                                             \
    X(metadata, OBJECT)                                                                                                \
    X(thought, TEXT)                                                                                                   \
    X(run_id, TEXT)                                                                                                    \
    X(generation, NULL_I32)                                                                                            \
    X(individual_id, TEXT)                                                                                             \
    X(trace_id, TEXT)                                                                                                  \
    X(provider, TEXT)                                                                                                  \
    X(input_tokens, USAGE_INPUT)                                                                                       \
    X(output_tokens, USAGE_OUTPUT)                                                                                     \
    X(usage, USAGE)                                                                                                    \
    X(error, TEXT)                                                                                                     \
    X(_ts, VERSION)

#define GCH_COLUMNS_agent_actions(X)                                                                                   \
    X(id, NEW_ID)                                                                                                      \
    X(timestamp, TIME)                                                                                                 \
    X(action_type, TEXT)                                                                                               \
    X(details, OBJECT)                                                                                                 \
    X(metadata, OBJECT)                                                                                                \
    X(run_id, TEXT)                                                                                                    \
    X(generation, NULL_I32)                                                                                            \
    X(_ts, VERSION)

#define GCH_COLUMNS_traces(X)                                                                                          \
    X(id, ID)                                                                                                          \
    X(timestamp, TIME)                                                                                                 \
    X(name, TEXT)                                                                                                      \
    X(user_id, NULL_TEXT)                                                                                              \
    X(metadata, STRINGS)                                                                                               \
    X(release, NULL_TEXT)                                                                                              \
    X(version, NULL_TEXT)                                                                                              \
    X(project_id, PROJECT)                                                                                             \
    X(public, BOOL)                                                                                                    \
    X(bookmarked, BOOL)                                                                                                \
    X(tags, TAGS)                                                                                                      \
    X(input, NULL_TEXT)                                                                                                \
    X(output, NULL_TEXT)                                                                                               \
    X(session_id, NULL_TEXT)                                                                                           \
    X(created_at, NOW)                                                                                                 \
    X(updated_at, NOW)                                                                                                 \
    X(event_ts, EVENT)                                                                                                 \
    X(is_deleted, DELETED)                                                                                             \
    X(environment, ENVIRONMENT)                                                                                        \
    X(run_id, TEXT)                                                                                                    \
    X(generation, NULL_I32)                                                                                            \
    X(individual_id, TEXT)                                                                                             \
    X(deleted_before, EPOCH)                                                                                           \
    X(_set, SET)

#define GCH_COLUMNS_observations(X)                                                                                    \
    X(id, ID)                                                                                                          \
    X(trace_id, TEXT)                                                                                                  \
    X(project_id, PROJECT)                                                                                             \
    X(type, TYPE)                                                                                                      \
    X(parent_observation_id, NULL_TEXT)                                                                                \
    X(start_time, TIME)                                                                                                \
    X(end_time, NULL_TIME)                                                                                             \
    X(name, TEXT)                                                                                                      \
    X(metadata, STRINGS)                                                                                               \
    X(level, LEVEL)                                                                                                    \
    X(status_message, NULL_TEXT)                                                                                       \
    X(version, NULL_TEXT)                                                                                              \
    X(input, NULL_TEXT)                                                                                                \
    X(output, NULL_TEXT)                                                                                               \
    X(provided_model_name, NULL_TEXT)                                                                                  \
    X(internal_model_id, NULL_TEXT)                                                                                    \
    X(model_parameters, NULL_TEXT)                                                                                     \
    X(provided_usage_details, USAGE)                                                                                   \
    X(usage_details, USAGE_BUCKETS)                                                                                    \
    X(provided_cost_details, COSTS_GIVEN)                                                                              \
    X(cost_details, COSTS)                                                                                             \
    X(total_cost, COST_TOTAL)                                                                                          \
    X(completion_start_time, NULL_TIME)                                                                                \
    X(prompt_id, NULL_TEXT)                                                                                            \
    X(prompt_name, NULL_TEXT)                                                                                          \
    X(prompt_version, NULL_U16)                                                                                        \
    X(tool_definitions, STRING_PAIRS)                                                                                  \
    X(tool_calls, TAGS)                                                                                                \
    X(tool_call_names, TAGS)                                                                                           \
    X(created_at, NOW)                                                                                                 \
    X(updated_at, NOW)                                                                                                 \
    X(event_ts, EVENT)                                                                                                 \
    X(is_deleted, DELETED)                                                                                             \
    X(environment, ENVIRONMENT)                                                                                        \
    X(run_id, TEXT)                                                                                                    \
    X(generation, NULL_I32)                                                                                            \
    X(individual_id, TEXT)                                                                                             \
    X(deleted_before, EPOCH)                                                                                           \
    X(usage_pricing_tier_id, NULL_TEXT)                                                                                \
    X(usage_pricing_tier_name, NULL_TEXT)                                                                              \
    X(_set, SET)

#define GCH_COLUMNS_scores(X)                                                                                          \
    X(id, ID)                                                                                                          \
    X(timestamp, TIME)                                                                                                 \
    X(project_id, PROJECT)                                                                                             \
    X(trace_id, TEXT)                                                                                                  \
    X(observation_id, NULL_TEXT)                                                                                       \
    X(name, TEXT)                                                                                                      \
    X(value, F64)                                                                                                      \
    X(source, SOURCE)                                                                                                  \
    X(comment, NULL_TEXT)                                                                                              \
    X(author_user_id, NULL_TEXT)                                                                                       \
    X(config_id, NULL_TEXT)                                                                                            \
    X(data_type, TEXT)                                                                                                 \
    X(string_value, NULL_TEXT)                                                                                         \
    X(queue_id, NULL_TEXT)                                                                                             \
    X(session_id, NULL_TEXT)                                                                                           \
    X(dataset_run_id, NULL_TEXT)                                                                                       \
    X(created_at, NOW)                                                                                                 \
    X(updated_at, NOW)                                                                                                 \
    X(event_ts, EVENT)                                                                                                 \
    X(is_deleted, DELETED)                                                                                             \
    X(environment, ENVIRONMENT)                                                                                        \
    X(run_id, TEXT)                                                                                                    \
    X(generation, NULL_I32)                                                                                            \
    X(individual_id, TEXT)                                                                                             \
    X(deleted_before, EPOCH)                                                                                           \
    X(_set, SET)

#define GCH_COLUMNS_dataset_run_items_rmt(X)                                                                           \
    X(id, ID)                                                                                                          \
    X(project_id, PROJECT)                                                                                             \
    X(dataset_run_id, TEXT)                                                                                            \
    X(dataset_item_id, TEXT)                                                                                           \
    X(dataset_id, TEXT)                                                                                                \
    X(trace_id, TEXT)                                                                                                  \
    X(observation_id, NULL_TEXT)                                                                                       \
    X(error, NULL_TEXT)                                                                                                \
    X(created_at, TIME)                                                                                                \
    X(updated_at, NOW)                                                                                                 \
    X(dataset_run_name, TEXT)                                                                                          \
    X(dataset_run_description, NULL_TEXT)                                                                              \
    X(dataset_run_metadata, STRINGS)                                                                                   \
    X(dataset_run_created_at, MOMENT)                                                                                  \
    X(dataset_item_input, NULL_TEXT)                                                                                   \
    X(dataset_item_expected_output, NULL_TEXT)                                                                         \
    X(dataset_item_metadata, STRINGS)                                                                                  \
    X(event_ts, EVENT)                                                                                                 \
    X(is_deleted, DELETED)                                                                                             \
    X(deleted_before, EPOCH)                                                                                           \
    X(_set, SET)

#define GCH_COLUMNS_event_log(X)                                                                                       \
    X(id, ID)                                                                                                          \
    X(project_id, PROJECT)                                                                                             \
    X(entity_type, TEXT)                                                                                               \
    X(entity_id, TEXT)                                                                                                 \
    X(event_id, NULL_TEXT)                                                                                             \
    X(bucket_name, TEXT)                                                                                               \
    X(bucket_path, TEXT)                                                                                               \
    X(created_at, TIME)                                                                                                \
    X(updated_at, NOW)                                                                                                 \
    X(_set, SET)

#define GCH_COLUMNS_blob_storage_file_log(X)                                                                           \
    X(id, ID)                                                                                                          \
    X(project_id, PROJECT)                                                                                             \
    X(entity_type, TEXT)                                                                                               \
    X(entity_id, TEXT)                                                                                                 \
    X(event_id, TEXT)                                                                                                  \
    X(bucket_name, TEXT)                                                                                               \
    X(bucket_path, TEXT)                                                                                               \
    X(created_at, TIME)                                                                                                \
    X(updated_at, NOW)                                                                                                 \
    X(event_ts, EVENT)                                                                                                 \
    X(is_deleted, DELETED)                                                                                             \
    X(deleted_before, EPOCH)                                                                                           \
    X(_set, SET)

#define GCH_COLUMNS_programs_code(X)                                                                                   \
    X(code_hash, TEXT)                                                                                                 \
    X(code, TEXT)                                                                                                      \
    X(_ts, VERSION)

#define GCH_TABLE_MAP(X)                                                                                               \
    X(evolution_runs)                                                                                                  \
    X(generations)                                                                                                     \
    X(individuals)                                                                                                     \
    X(pareto_fronts)                                                                                                   \
    X(code_lineages)                                                                                                   \
    X(llm_logs)                                                                                                        \
    X(agent_actions)                                                                                                   \
    X(traces)                                                                                                          \
    X(observations)                                                                                                    \
    X(scores)                                                                                                          \
    X(dataset_run_items_rmt)                                                                                           \
    X(event_log)                                                                                                       \
    X(blob_storage_file_log)                                                                                           \
    X(programs_code)

enum gch_table_id {
#define X(table) GCH_TABLE_##table,
    GCH_TABLE_MAP(X)
#undef X
        GCH_TABLE_COUNT
};

#define GCH_COLUMNS_MAX 48

struct gch_column {
    const char *name;
    enum gch_form form;
};

struct gch_table {
    const char *name;
    const struct gch_column *columns;
    size_t column_count;
};

const struct gch_table *gch_table_get(enum gch_table_id id);

/* The ClickHouse type of a form. */
const char *gch_form_type(enum gch_form form);

/* The index of a column, or -1. */
int gch_table_find(const struct gch_table *table, const char *column);

/* What a SCHEMA frame holds: the table's name, then the header of RowBinaryWithNamesAndTypes (count, names, types).
 * With it in every segment, rows that an older or newer release left behind are still sent as what they are. */
void gch_table_put_schema(const struct gch_table *table, struct gch_buf *buf);

#endif
