-- For how many generations has a run not improved, and how long was its longest plateau?
-- A generation improves when its best_score exceeds that of the last one that improved by more than min_improvement, so small steps count
-- once they add up; the first finite score improves in any case, one that is not finite never does. Numbers of generations are counted, not rows.
-- param run_id: the run
-- param min_improvement = 0.0: what a best score must gain to count
WITH
    history AS
    (
        SELECT
            count() AS generations,
            min(generation) AS first_generation,
            max(generation) AS last_generation,
            arraySort(groupArrayIf((generation, best_score), isFinite(best_score))) AS scores,
            arrayFold(
                (taken, score) -> if(
                    empty(taken) OR score.2 > taken[-1].2 + {min_improvement:Float64},
                    arrayPushBack(taken, score),
                    taken),
                scores,
                arrayResize(scores, 0)) AS improvements
        FROM generations
        WHERE run_id = {run_id:String}
        HAVING generations > 0
    ),
    plateaus AS
    (
        SELECT
            *,
            arrayPushFront(arrayMap(improvement -> toInt64(improvement.1), improvements), first_generation - 1) AS befores,
            arrayPushBack(arrayPopFront(befores), last_generation + 1) AS afters,
            arrayMap((before, after) -> after - before - 1, befores, afters) AS lengths,
            indexOf(lengths, arrayMax(lengths)) AS longest
        FROM history
    )
SELECT
    generations,
    last_generation,
    if(empty(scores), NULL, arrayMax(scores.2)) AS best_score,
    length(improvements) AS improvements,
    if(improvements = 0, NULL, befores[-1]) AS last_improvement,
    lengths[-1] AS generations_since,
    lengths[longest] AS longest_plateau,
    if(longest_plateau = 0, NULL, befores[longest] + 1) AS plateau_from,
    if(longest_plateau = 0, NULL, afters[longest] - 1) AS plateau_to
FROM plateaus
