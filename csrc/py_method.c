#include "py_method.h"

#include <string.h>

/* clang-format off */
/* R: required. D: has a default. The keyword-only ones stand behind the documented ones. */
#define R(name) {#name, NULL, 'r'}
#define D(name) {#name, NULL, 0}

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
    R(is_pareto), D(api_cost),    D(embed_cost), D(novelty_cost), D(code_hash),   D(code_size),     D(timestamp),
};

static const struct gch_argument pareto_front[] = {
    R(run_id), R(generation), R(pareto_individuals), D(timestamp),
};

static const struct gch_argument lineage[] = {
    R(run_id), R(child_id), R(parent_id), R(generation), R(mutation_type), D(fitness_delta), D(edit_summary), D(timestamp),
};

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])
#define METHOD(name, table, positional, arguments) {name, GCH_TABLE_##table, positional, COUNT(arguments), arguments, {0}, {0}, -1}

static struct gch_method methods[] = {
    METHOD("log_llm_interaction", llm_logs, 7, llm_interaction),
    METHOD("log_action", agent_actions, 3, action),
    METHOD("log_evolution_run", evolution_runs, 7, evolution_run),
    METHOD("update_evolution_run", evolution_runs, 3, update),
    METHOD("log_generation", generations, 8, generation),
    METHOD("log_individual", individuals, 14, individual),
    METHOD("log_pareto_front", pareto_fronts, 3, pareto_front),
    METHOD("log_lineage", code_lineages, 7, lineage),
};
/* clang-format on */

const struct gch_method *gch_method_get(enum gch_method_id id)
{
    return &methods[id];
}

static void map_arguments(struct gch_method *method)
{
    const struct gch_table *table = gch_table_get(method->table);
    memset(method->argument_of, -1, sizeof(method->argument_of));
    method->timestamp = -1;
    for (int i = 0; i < method->count; i++) {
        int column = gch_table_find(table, method->arguments[i].name);
        if (strcmp(method->arguments[i].name, "timestamp") == 0) {
            method->timestamp = (signed char)i;
        } else if (column >= 0) {
            method->argument_of[column] = (signed char)i;
            method->required[column] = method->arguments[i].required != 0;
        }
    }
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
    for (int id = 0; id < GCH_METHOD_COUNT; id++) {
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
    for (int i = 0; i < method->positional; i++) {
        if (values[i] == NULL && method->arguments[i].required)
            note(trouble, "argument missing", NULL, method->arguments[i].name);
    }
}
