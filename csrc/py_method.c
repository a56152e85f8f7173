#include "py_method.h"

#include <string.h>

/* clang-format off */
/* R: required. D: has a default. The keyword-only ones stand behind the documented ones. */
#define R(name) {#name, NULL, 'r'}
#define D(name) {#name, NULL, 0}
#define N(name) {#name, NULL, 'n'} /* as D; a number that is missing is NaN */
#define A(name, column) {#name, #column, 0}

static const struct gch_argument llm_interaction[] = {
    R(model),        R(messages),     R(response), D(cost),       D(execution_time), D(metadata), D(thought),      D(timestamp),
    D(run_id),       D(generation),   D(individual_id), D(trace_id), D(provider),     D(input_tokens), D(output_tokens), D(usage), D(error),
};

static const struct gch_argument action[] = {
    R(action_type), R(details), D(metadata), D(timestamp), D(run_id), D(generation),
};

static const struct gch_argument evolution_run[] = {
    R(run_id),     R(task_name),     R(config),  R(population_size), R(cluster_type), R(database_path), D(status), D(timestamp),
    D(project_id), D(parent_run_id), D(git_sha), D(git_dirty),       D(error),        D(tags),
};

static const struct gch_argument update[] = {
    R(run_id), R(status), R(total_generations), D(timestamp), D(error),
};

static const struct gch_argument generation[] = {
    R(run_id),      R(generation), R(num_individuals), R(best_score), R(avg_score),
    R(pareto_size), D(total_cost), D(metadata),        D(timestamp),  D(task_name),
};

static const struct gch_argument individual[] = {
    R(run_id),  R(individual_id), R(generation), R(parent_id),  R(mutation_type), R(fitness_score), R(combined_score), R(metrics),
    R(is_pareto), D(api_cost),    D(embed_cost), D(novelty_cost), D(code_hash),   D(code_size),     D(timestamp), D(code),
};

static const struct gch_argument pareto_front[] = {
    R(run_id), R(generation), R(pareto_individuals), D(timestamp),
};

static const struct gch_argument lineage[] = {
    R(run_id), R(child_id), R(parent_id), R(generation), R(mutation_type), D(fitness_delta), D(edit_summary), D(timestamp),
};

static const struct gch_argument trace[] = {
    D(name),    D(id),       D(timestamp),  D(user_id),     D(session_id), D(input),  D(output),     D(metadata),      D(tags), D(release),
    D(version), D(public),   D(bookmarked), D(environment), D(project_id), D(run_id), D(generation), D(individual_id),
};

static const struct gch_argument observation[] = {
    D(name), D(type), D(id), D(trace_id), D(parent_observation_id), D(start_time), D(end_time), D(input), D(output), D(metadata),
    D(level), D(status_message), D(version), A(model, provided_model_name), D(internal_model_id), D(model_parameters),
    A(usage, provided_usage_details), A(cost, provided_cost_details), D(completion_start_time), D(prompt_id), D(prompt_name),
    D(prompt_version), D(tool_definitions), D(tool_calls), D(tool_call_names), D(environment), D(project_id), D(run_id),
    D(generation), D(individual_id), D(usage_pricing_tier_id), D(usage_pricing_tier_name),
};

static const struct gch_argument score[] = {
    D(name), N(value), D(trace_id), D(observation_id), D(id), D(timestamp), D(data_type), D(string_value), D(source), D(comment),
    D(session_id), D(dataset_run_id), D(author_user_id), D(config_id), D(queue_id), D(environment), D(project_id), D(run_id),
    D(generation), D(individual_id),
};

static const struct gch_argument dataset_run_item[] = {
    D(dataset_id), D(dataset_run_id), D(dataset_item_id), D(trace_id), D(observation_id), D(id), D(timestamp), D(error),
    D(dataset_run_name), D(dataset_run_description), D(dataset_run_metadata), D(dataset_run_created_at), D(dataset_item_input),
    D(dataset_item_expected_output), D(dataset_item_metadata), D(project_id),
};

static const struct gch_argument entity[] = {
    D(entity_type), D(entity_id), D(event_id), D(bucket_name), D(bucket_path), D(id), D(timestamp), D(project_id),
};

static const struct gch_argument deletion[] = {
    R(id), D(project_id),
};

static const struct gch_argument program[] = {
    R(code_hash), R(code),
};

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])
#define METHOD_OF_KIND(method, its_table, its_positional, its_arguments, its_kind) \
    {.name = method, .table = GCH_TABLE_##its_table, .positional = its_positional, .count = COUNT(its_arguments), .arguments = its_arguments, .kind = GCH_KIND_##its_kind}
#define METHOD(name, table, positional, arguments) METHOD_OF_KIND(name, table, positional, arguments, PLAIN)
#define KEPT(name, table, positional, arguments) METHOD_OF_KIND(name, table, positional, arguments, KEPT)
#define DELETE(name, table) METHOD_OF_KIND(name, table, 1, deletion, DELETE)

static struct gch_method methods[] = {
    METHOD("log_llm_interaction", llm_logs, 7, llm_interaction),
    METHOD("log_action", agent_actions, 3, action),
    METHOD("log_evolution_run", evolution_runs, 7, evolution_run),
    METHOD("update_evolution_run", evolution_runs, 3, update),
    METHOD("log_generation", generations, 8, generation),
    METHOD("log_individual", individuals, 14, individual),
    METHOD("log_pareto_front", pareto_fronts, 3, pareto_front),
    METHOD("log_lineage", code_lineages, 7, lineage),
    KEPT("log_trace", traces, 1, trace),
    KEPT("log_observation", observations, 2, observation),
    KEPT("log_score", scores, 2, score),
    KEPT("log_dataset_run_item", dataset_run_items_rmt, 4, dataset_run_item),
    KEPT("log_event", event_log, 5, entity),
    KEPT("log_blob", blob_storage_file_log, 5, entity),
    DELETE("delete_trace", traces),
    DELETE("delete_observation", observations),
    DELETE("delete_score", scores),
    DELETE("delete_dataset_run_item", dataset_run_items_rmt),
    DELETE("delete_blob", blob_storage_file_log),
    METHOD_OF_KIND("program", programs_code, 2, program, PLAIN),
};
/* clang-format on */

const struct gch_method *gch_method_get(enum gch_method_id id)
{
    return &methods[id];
}

static signed char find_named(const struct gch_method *method, const char *name)
{
    for (int i = 0; i < method->count; i++) {
        if (strcmp(method->arguments[i].name, name) == 0)
            return (signed char)i;
    }
    return -1;
}

int gch_method_argument(enum gch_method_id id, const char *name)
{
    return find_named(&methods[id], name);
}

static void map_arguments(struct gch_method *method)
{
    const struct gch_table *table = gch_table_get(method->table);
    memset(method->argument_of, -1, sizeof(method->argument_of));
    for (int i = 0; i < method->count; i++) {
        const struct gch_argument *argument = &method->arguments[i];
        int column = gch_table_find(table, argument->column != NULL ? argument->column : argument->name);
        if (column >= 0 && table->columns[column].form != GCH_FORM_TIME) {
            method->argument_of[column] = (signed char)i;
            method->required[column] = argument->required != 0;
        }
    }
    method->timestamp = find_named(method, "timestamp");
    if (method->timestamp < 0)
        method->timestamp = find_named(method, "start_time");
    method->usage = find_named(method, "usage");
    method->input_tokens = find_named(method, "input_tokens");
    method->output_tokens = find_named(method, "output_tokens");
    method->cost = find_named(method, "cost");
    for (int entry = 0; entry < GCH_CONTEXT_COUNT; entry++)
        method->context[entry] = find_named(method, gch_context_argument((enum gch_context_entry)entry));
}

static int init_pareto_names(struct gch_state *state)
{
    static const char *const keys[] = {"individual_id", "fitness_score", "combined_score", "metrics"};
    const struct gch_table *table = gch_table_get(GCH_TABLE_pareto_fronts);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        PyObject *name = PyUnicode_InternFromString(keys[i]);
        if (name == NULL)
            return -1;
        state->pareto_names[gch_table_find(table, keys[i])] = name;
        methods[GCH_METHOD_log_pareto_front].required[gch_table_find(table, keys[i])] = true;
    }
    return 0;
}

int gch_methods_init(struct gch_state *state)
{
    for (int id = 0; id < GCH_METHOD_END; id++) {
        struct gch_method *method = &methods[id];
        map_arguments(method);
        for (int i = 0; i < method->count; i++) {
            state->names[id][i] = PyUnicode_InternFromString(method->arguments[i].name);
            if (state->names[id][i] == NULL)
                return -1;
        }
    }
    return init_pareto_names(state);
}

/* Callers mostly give keywords in the documented order and as literals, which are interned: then the first comparison
 * hits. */
static int find_argument(PyObject *const *names, int count, PyObject *keyword, int start)
{
    for (int i = start; i < count; i++) {
        if (names[i] == keyword)
            return i;
    }
    for (int i = 0; i < start; i++) {
        if (names[i] == keyword)
            return i;
    }
    for (int i = 0; i < count; i++) {
        if (PyUnicode_Compare(names[i], keyword) == 0)
            return i;
    }
    return -1;
}

static void note(struct gch_bind_trouble *trouble, const char *what, PyObject *name, const char *argument)
{
    if (trouble->what != NULL)
        return;
    trouble->what = what;
    trouble->name = name;
    trouble->argument = argument;
}

void gch_bind(const struct gch_state *state, const struct gch_method *method, enum gch_method_id id,
              PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject *values[GCH_ARGUMENTS_MAX],
              struct gch_bind_trouble *trouble)
{
    memset(values, 0, (size_t)method->count * sizeof(values[0]));
    trouble->what = NULL;
    Py_ssize_t taken = nargs < method->positional ? nargs : method->positional;
    for (Py_ssize_t i = 0; i < taken; i++)
        values[i] = args[i];
    if (taken < nargs)
        note(trouble, "more arguments than it has were given by position", NULL, NULL);
    Py_ssize_t keywords = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    int expected = (int)taken;
    for (Py_ssize_t k = 0; k < keywords; k++) {
        PyObject *keyword = PyTuple_GET_ITEM(kwnames, k);
        int i = expected;
        if (state->names[id][expected] != keyword)
            i = find_argument(state->names[id], method->count, keyword, expected);
        if (i < 0) {
            note(trouble, "unknown argument", keyword, NULL);
            continue;
        }
        if (values[i] != NULL)
            note(trouble, "argument given twice", keyword, NULL);
        values[i] = args[nargs + k];
        expected = i + 1 < method->count ? i + 1 : 0;
    }
}

void gch_bind_check(const struct gch_method *method, PyObject *const *values, struct gch_bind_trouble *trouble)
{
    for (int i = 0; i < method->positional; i++) {
        if (values[i] == NULL && method->arguments[i].required == 'r')
            note(trouble, "argument missing", NULL, method->arguments[i].name);
    }
}
