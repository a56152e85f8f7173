-- Removes the seven documented tables with everything in them.

DROP TABLE IF EXISTS agent_actions;

DROP TABLE IF EXISTS llm_logs;

DROP TABLE IF EXISTS code_lineages;

DROP TABLE IF EXISTS pareto_fronts;

DROP TABLE IF EXISTS individuals;

DROP TABLE IF EXISTS generations;

DROP TABLE IF EXISTS evolution_runs;
