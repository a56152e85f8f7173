-- Removes the texts of programs.

DROP TABLE IF EXISTS programs_code;
