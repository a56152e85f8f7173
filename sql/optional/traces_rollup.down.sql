-- Takes the roll-up away: the views first, so that inserts go on undisturbed.

DROP VIEW IF EXISTS traces_null_from_scores;

DROP VIEW IF EXISTS traces_null_from_observations;

DROP VIEW IF EXISTS traces_null_from_traces;

DROP VIEW IF EXISTS traces_30d_amt_mv;

DROP VIEW IF EXISTS traces_7d_amt_mv;

DROP VIEW IF EXISTS traces_all_amt_mv;

DROP TABLE IF EXISTS traces_30d_amt;

DROP TABLE IF EXISTS traces_7d_amt;

DROP TABLE IF EXISTS traces_all_amt;

DROP TABLE IF EXISTS traces_null;
