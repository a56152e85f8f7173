-- active_runs
SELECT run_id, task_name, start_time, total_generations
FROM evolution_runs
WHERE status = 'running';

-- configurations
SELECT run_id, task_name, config
FROM evolution_runs
WHERE task_name = 'circle_packing'
ORDER BY start_time DESC;

-- trajectory
SELECT generation, best_score, avg_score, total_cost
FROM generations
WHERE run_id = 'run_20240115_142345'
ORDER BY generation;

-- cost_per_generation
SELECT generation, total_cost, total_cost / num_individuals as cost_per_individual
FROM generations
WHERE run_id = 'run_20240115_142345';

-- breakthrough_generations
SELECT
generation,
best_score,
best_score - lag(best_score) OVER (ORDER BY generation) as improvement
FROM generations
WHERE run_id = 'run_20240115_142345'
ORDER BY improvement DESC;

-- top_10
SELECT individual_id, generation, fitness_score, mutation_type, metrics
FROM individuals
WHERE run_id = 'run_20240115_142345'
ORDER BY fitness_score DESC
LIMIT 10;

-- duplicates
SELECT code_hash, count(*) as count
FROM individuals
WHERE run_id = 'run_20240115_142345'
GROUP BY code_hash
HAVING count > 1;

-- mutation_types
SELECT
mutation_type,
count() as count,
avg(fitness_score) as avg_fitness,
max(fitness_score) as max_fitness
FROM individuals
WHERE run_id = 'run_20240115_142345' AND generation > 0
GROUP BY mutation_type
ORDER BY avg_fitness DESC;

-- pareto_members
SELECT generation, individual_id, fitness_score, combined_score
FROM individuals
WHERE run_id = 'run_20240115_142345' AND is_pareto = true
ORDER BY generation, fitness_score DESC;

-- front_size
SELECT generation, count(*) as pareto_size
FROM pareto_fronts
WHERE run_id = 'run_20240115_142345'
GROUP BY generation
ORDER BY generation;

-- latest_front
SELECT individual_id, fitness_score, combined_score, metrics
FROM pareto_fronts
WHERE run_id = 'run_20240115_142345'
AND generation = (SELECT max(generation) FROM pareto_fronts WHERE run_id = 'run_20240115_142345')
ORDER BY fitness_score DESC;

-- compare_fronts
SELECT generation, individual_id,
JSONExtractFloat(metrics, 'accuracy') as accuracy,
JSONExtractFloat(metrics, 'size') as size
FROM pareto_fronts
WHERE run_id = 'run_20240115_142345'
ORDER BY generation, accuracy DESC;

-- best_mutations
SELECT child_id, parent_id, generation, mutation_type, fitness_delta, edit_summary
FROM code_lineages
WHERE run_id = 'run_20240115_142345' AND fitness_delta > 0
ORDER BY fitness_delta DESC
LIMIT 10;

-- success_rate
SELECT
mutation_type,
count() as total,
countIf(fitness_delta > 0) as improvements,
countIf(fitness_delta > 0) / count() as success_rate,
avg(fitness_delta) as avg_delta
FROM code_lineages
WHERE run_id = 'run_20240115_142345' AND generation > 0
GROUP BY mutation_type;

-- lineage_of_best
WITH RECURSIVE lineage AS (
SELECT child_id as id, parent_id, generation, mutation_type, edit_summary
FROM code_lineages
WHERE child_id = 'ind_gen10_best' -- Start with best individual
UNION ALL
SELECT c.child_id, c.parent_id, c.generation, c.mutation_type, c.edit_summary
FROM code_lineages c
INNER JOIN lineage l ON c.child_id = l.parent_id
)
SELECT * FROM lineage ORDER BY generation;

-- prolific_parents
SELECT
parent_id,
count() as num_children,
avg(fitness_delta) as avg_improvement,
countIf(fitness_delta > 0) as successful_children
FROM code_lineages
WHERE run_id = 'run_20240115_142345'
GROUP BY parent_id
ORDER BY num_children DESC
LIMIT 20;

-- best_score_per_generation
SELECT
generation,
best_score,
avg_score,
pareto_size,
total_cost
FROM generations
WHERE run_id = 'your_run_id'
ORDER BY generation;

-- top_10_across_generations
SELECT
individual_id,
generation,
fitness_score,
combined_score,
mutation_type
FROM individuals
WHERE run_id = 'your_run_id'
ORDER BY fitness_score DESC
LIMIT 10;

-- cost_by_run
SELECT
run_id,
task_name,
sum(total_cost) as total_evolution_cost,
count(DISTINCT generation) as generations
FROM generations
GROUP BY run_id, task_name
ORDER BY total_evolution_cost DESC;

-- cost_by_model
SELECT
model,
count() as calls,
sum(cost) as total_cost,
avg(execution_time) as avg_time
FROM llm_logs
GROUP BY model
ORDER BY total_cost DESC;

-- successful_types
SELECT
mutation_type,
count() as count,
avg(fitness_delta) as avg_improvement,
max(fitness_delta) as best_improvement
FROM code_lineages
WHERE fitness_delta > 0
GROUP BY mutation_type
ORDER BY avg_improvement DESC;

-- tree
SELECT
child_id,
parent_id,
generation,
mutation_type,
fitness_delta
FROM code_lineages
WHERE run_id = 'your_run_id'
ORDER BY generation, timestamp;

-- front_over_time
SELECT
generation,
count(DISTINCT individual_id) as pareto_size,
max(fitness_score) as max_fitness,
min(combined_score) as min_combined
FROM pareto_fronts
WHERE run_id = 'your_run_id'
GROUP BY generation
ORDER BY generation;

-- keep_llm_logs
ALTER TABLE llm_logs
MODIFY TTL timestamp + INTERVAL 30 DAY;

-- keep_agent_actions
ALTER TABLE agent_actions
MODIFY TTL timestamp + INTERVAL 90 DAY;

-- notebook
SELECT generation, best_score, avg_score
FROM generations
WHERE run_id = 'run_12345'
ORDER BY generation;

-- best_of_task
SELECT i.run_id, i.individual_id, i.generation, i.fitness_score, i.metrics
FROM individuals i
JOIN evolution_runs r ON i.run_id = r.run_id
WHERE r.task_name = 'circle_packing'
ORDER BY i.fitness_score DESC
LIMIT 1;

-- dashboard
SELECT
g.generation,
g.best_score,
g.avg_score,
g.pareto_size,
g.total_cost,
countIf(i.is_pareto) as pareto_actual
FROM generations g
LEFT JOIN individuals i ON g.run_id = i.run_id AND g.generation = i.generation
WHERE g.run_id = 'YOUR_RUN_ID'
GROUP BY g.generation, g.best_score, g.avg_score, g.pareto_size, g.total_cost
ORDER BY g.generation;

-- cost_by_component
SELECT
sum(api_cost) as total_mutation_cost,
sum(embed_cost) as total_embedding_cost,
sum(novelty_cost) as total_novelty_cost,
sum(api_cost + embed_cost + novelty_cost) as total_cost
FROM individuals
WHERE run_id = 'YOUR_RUN_ID';

-- mutation_quantiles
SELECT
mutation_type,
count() as count,
avg(fitness_score) as avg_fitness,
quantile(0.5)(fitness_score) as median_fitness,
quantile(0.9)(fitness_score) as p90_fitness
FROM individuals
WHERE run_id = 'YOUR_RUN_ID' AND generation > 0
GROUP BY mutation_type;

-- breakthroughs
SELECT
generation,
best_score,
best_score - lagInFrame(best_score) OVER (ORDER BY generation) as improvement,
improvement / lagInFrame(best_score) OVER (ORDER BY generation) as improvement_pct
FROM generations
WHERE run_id = 'YOUR_RUN_ID'
HAVING improvement_pct > 0.1
ORDER BY improvement_pct DESC;

-- cost_of_models
SELECT
model,
count() as calls,
sum(cost) as total_cost,
avg(cost) as avg_cost_per_call,
sum(execution_time) as total_time_seconds
FROM llm_logs
GROUP BY model
ORDER BY total_cost DESC;

-- final
SELECT * FROM traces FINAL WHERE project_id = 'xxx';

-- argmax
SELECT argMax(name, event_ts) as name, ...
FROM traces
WHERE is_deleted = 0
GROUP BY project_id, id;

-- metadata_key
WHERE metadata['environment'] IS NOT NULL;

-- metadata_value
WHERE has(mapValues(metadata), 'production');
