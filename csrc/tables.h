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
    X(F64, "Float64")                                                                                                  \
    X(I32, "Int32")                                                                                                    \
    X(BOOL, "Bool")                                                                                                    \
    X(NULL_I32, "Nullable(Int32)")                                                                                     \
    X(NULL_U64, "Nullable(UInt64)")                                                                                    \
    X(TAGS, "Array(String)")                                                                                           \
    X(METRICS, "String") /* JSON; {} when nothing is given; its finite numbers go to the NUMBERS behind it */          \
    X(NUMBERS, "Map(LowCardinality(String), Float64)")                                                                 \
    X(USAGE, "Map(LowCardinality(String), UInt64)")                                                                    \
    X(TIME, "DateTime64(3)")  /* timestamp= or now */                                                                  \
    X(EPOCH, "DateTime64(3)") /* 1970-01-01, until an update sets it */                                                \
    X(NEW_ID, "UUID")                                                                                                  \
    X(HOSTNAME, "String")                                                                                              \
    X(PID, "UInt32")                                                                                                   \
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
    X(input_tokens, NULL_U64)                                                                                          \
    X(output_tokens, NULL_U64)                                                                                         \
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

#define GCH_TABLE_MAP(X)                                                                                               \
    X(evolution_runs)                                                                                                  \
    X(generations)                                                                                                     \
    X(individuals)                                                                                                     \
    X(pareto_fronts)                                                                                                   \
    X(code_lineages)                                                                                                   \
    X(llm_logs)                                                                                                        \
    X(agent_actions)

enum gch_table_id {
#define X(table) GCH_TABLE_##table,
    GCH_TABLE_MAP(X)
#undef X
        GCH_TABLE_COUNT
};

#define GCH_COLUMNS_MAX 32

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
