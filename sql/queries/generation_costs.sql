-- What did each generation of a run cost, in all and for each individual?
-- Printed form: divides by num_individuals = 0 (inf, or NaN when nothing was paid), and is in no order; here the quotient is NULL then.
-- param run_id: the run
SELECT
    generation,
    total_cost,
    total_cost / nullIf(num_individuals, 0) AS cost_per_individual
FROM generations
WHERE run_id = {run_id:String}
ORDER BY generation
