-- How often does each kind of mutation beat the parents, and how sure is that?
-- A child improves when its score exceeds that of its best parent; one whose score is not finite counts as a child that did not. lowest_rate and
-- highest_rate bound the success rate (Wilson's interval); rows are sorted by lowest_rate, so a few lucky children do not lead the list.
-- param run_id: the run
-- param z = 1.959963984540054: the quantile of the normal distribution; the default is for 95 %
WITH
    gains AS
    (
        SELECT
            child_id,
            countIf(isFinite(fitness_delta)) AS compared,
            minIf(fitness_delta, isFinite(fitness_delta)) AS gain
        FROM code_lineages
        WHERE run_id = {run_id:String}
            AND parent_id != ''
        GROUP BY child_id
    ),
    born AS
    (
        SELECT
            individual_id,
            mutation_type,
            fitness_score
        FROM individuals
        WHERE run_id = {run_id:String}
        ORDER BY generation
        LIMIT 1 BY individual_id
    ),
    counted AS
    (
        SELECT
            mutation_type,
            count() AS children,
            countIf(NOT isFinite(fitness_score)) AS failed,
            countIf(compared > 0 AND gain > 0) AS improved,
            sumIf(gain, compared > 0 AND gain > 0) AS gained,
            improved / children AS success_rate,
            {z:Float64} * {z:Float64} / children AS weight,
            (success_rate + weight / 2) / (1 + weight) AS middle,
            sqrt(weight * success_rate * (1 - success_rate) + weight * weight / 4) / (1 + weight) AS reach
        FROM born
        INNER JOIN gains ON gains.child_id = born.individual_id
        GROUP BY mutation_type
    )
SELECT
    mutation_type,
    children,
    failed,
    improved,
    if(improved = 0, NULL, gained / improved) AS mean_gain,
    success_rate,
    greatest(middle - reach, 0.) AS lowest_rate,
    least(middle + reach, 1.) AS highest_rate
FROM counted
ORDER BY
    lowest_rate DESC,
    success_rate DESC,
    mutation_type
